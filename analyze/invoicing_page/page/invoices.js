// All invoices, to look one up.

const PER_PAGE = smallScreen.matches ? 10 : 25;
const STATUS = { draft: "Draft", issued: "Issued", sent: "Sent", partly_paid: "Partly paid", paid: "Paid", credited: "Credited", cancelled: "Cancelled", rejected: "Rejected" };

function showInvoices(page) {
  const { invoices } = page.tables;
  const place = byId("invoices");
  if (!invoices.rows) return fill(page, place, page.content.oldest_month ? element("p", { class: "empty" }, "All invoices are summed by month.") : missingPart("invoices"));
  const inPeriod = invoices.where(page.filters).filter((row) => isInPeriod(page.filters, invoices.number("issued_on", row)));
  const list = element("div", { id: "invoice-list" });
  const said = element("p", { class: "note", role: "status", id: "invoice-count" });
  const search = element("input", { type: "search", id: "search", placeholder: "Number or name", oninput: () => show(0) });
  const direction = element("select", { id: "direction", onchange: () => show(0) }, [["", "Sales and purchases"], ["sale", "Sales"], ["purchase", "Purchases"]].map(([value, text]) => element("option", { value }, text)));
  const pages = element("div", { class: "pages" });
  const show = (first) => {
    const wanted = search.value.trim().toLowerCase();
    const rows = inPeriod.filter((row) => (!direction.value || invoices.text("direction", row) === direction.value)
      && (!wanted || invoices.text("number", row).toLowerCase().includes(wanted) || partyName(page, invoices.code("party", row)).toLowerCase().includes(wanted)));
    said.textContent = rows.length ? `${count(first + 1)} to ${count(Math.min(first + PER_PAGE, rows.length))} of ${count(rows.length)} invoices, the newest first` : "No invoice matches.";
    list.replaceChildren(...(rows.length ? [invoiceTable(page, invoices, rows.slice(first, first + PER_PAGE))] : []));
    const step = (text, to, off) => element("button", { type: "button", disabled: off, onclick: () => { show(to); list.querySelector(".scroll").focus(); } }, text);
    pages.replaceChildren(...(rows.length > PER_PAGE ? [step("Newer", first - PER_PAGE, first === 0), step("Older", first + PER_PAGE, first + PER_PAGE >= rows.length)] : []));
  };
  fill(page, place, element("div", { class: "tools" },
    element("label", { for: "search" }, element("span", {}, "Search"), search), element("label", { for: "direction" }, element("span", {}, "Direction"), direction)), said, list, pages);
  show(0);
}

/** Whether a day lies in the months that were chosen. */
const isInPeriod = (filters, day) => (filters.from === null || day >= filters.from) && (filters.to === null || day < monthAway(filters.to, 1));

function invoiceTable(page, invoices, rows) {
  return table("Invoices", [["Number", "code"], ["Customer or supplier", "name"], ["Issued", "day"], ["Due", "day"], ["System", "text"], ["Status", "text"], ["Net", "number"], ["Gross", "number"], ["Open", "number"]], rows.map((row) => {
    const currency = invoices.text("currency", row);
    const type = invoices.text("type", row);
    return [link(invoices.text("number", row), invoices.text("url", row)),
      element("span", {}, partyName(page, invoices.code("party", row)), invoices.text("direction", row) === "purchase" ? element("small", {}, " purchase") : null, type && type !== "invoice" ? element("small", {}, ` ${type}`) : null),
      date(invoices.number("issued_on", row)), date(invoices.number("due_on", row)), systemName(invoices.text("system", row)), STATUS[invoices.text("status", row)] ?? invoices.text("status", row),
      ...["net", "gross", "open"].map((name) => amountData(invoices.amount(name, row), currency))];
  }), { stacks: true });
}

// Put together what the page shows, and show it again when a filter or the colours change.

class Page {
  constructor(content) {
    this.content = content;
    this.tables = Object.fromEntries(Object.entries(content.tables).map(([name, each]) => [name, new Table(each, tableChoices(content.choices))]));
    scale = content.scale;
    this.filters = new Filters(content, this.tables, () => this.show());
  }

  /** Show all parts. Those that the filters do not touch are shown once. */
  show() {
    showOverview(this);
    this.drawn = Promise.all([
      showTurnover(this), showAgeing(this, "receivables", "sale"), showAgeing(this, "payables", "purchase"), showVat(this), showBudgets(this), showPayments(this),
    ]);
    showRejections(this);
    showInvoices(this);
    return this.drawn;
  }

  /** What stands at the top, whatever is chosen. */
  showHead() {
    byId("as-of").textContent = longDate(dayOf(this.content.as_of));
    byId("made").textContent = instant(this.content.made);
    const { oldest_month: oldest } = this.content;
    byId("summed").hidden = oldest === null;
    if (oldest !== null) {
      byId("summed").textContent = `There are too many invoices to hold each: those before ${month(dayOf(oldest))} are summed by month. They are not split by customer or supplier, and the list of invoices leaves them out.`;
    }
    showFreshness(this);
  }
}

/** The lists of choices, parties by their names. */
const tableChoices = (choices) => ({ ...choices, party: choices.party.map(([name]) => name) });

async function main() {
  try {
    const page = new Page(await readContent());
    page.showHead();
    document.querySelector(".filter-bar").open = !smallScreen.matches;
    await page.show();
    const again = () => page.show();
    darkScreen.addEventListener("change", again);
    // What is folded away is printed too.
    const unfolded = new Set();
    addEventListener("beforeprint", () => {
      for (const each of document.querySelectorAll("details.numbers:not([open])")) {
        each.open = true;
        unfolded.add(each);
      }
    });
    addEventListener("afterprint", () => {
      for (const each of unfolded) each.open = false;
      unfolded.clear();
    });
    document.documentElement.dataset.state = "ready";
  } catch (error) {
    byId("failure").hidden = false;
    byId("failure").textContent = `This page cannot be shown by this browser: ${error.message}. Use a current version of Chrome, Edge, Firefox or Safari.`;
    document.documentElement.dataset.state = "failed";
    throw error;
  }
}

main();

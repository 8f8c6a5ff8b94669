// What the reader has chosen. Filters are codes of the tables' lists; null lets everything through.

const PERIODS = ["Last 12 months", "This year", "Last year", "This quarter", "Last quarter", "Everything", "Other months"];

/** First and last month of a period, as days since 1970; null where it is open. */
function monthsOf(period, asOf) {
  const month = monthAway(asOf, 0);
  const inYear = new Date(month * DAY).getUTCMonth();
  const inQuarter = inYear % 3;
  return {
    "Last 12 months": [monthAway(month, -11), month],
    "This year": [monthAway(month, -inYear), month],
    "Last year": [monthAway(month, -inYear - 12), monthAway(month, -inYear - 1)],
    "This quarter": [monthAway(month, -inQuarter), month],
    "Last quarter": [monthAway(month, -inQuarter - 3), monthAway(month, -inQuarter - 1)],
    Everything: [null, null],
  }[period];
}

class Filters {
  constructor(content, tables, onChange) {
    this.content = content;
    this.asOf = dayOf(content.as_of);
    this.onChange = onChange;
    this.parties = partyLabels(content.choices.party);
    this.currencies = currenciesByUse(content.choices.currency, tables);
    this.months = allMonths(tables, this.asOf);
    this.build();
    this.reset();
  }

  /** As when the page opens. */
  reset() {
    Object.assign(this, { system: null, account: null, party: null, currency: this.currencies[0] ?? null });
    this.setPeriod(PERIODS[0]);
    this.show();
  }

  setPeriod(period) {
    this.period = period;
    const months = monthsOf(period, this.asOf);
    if (months) [this.from, this.to] = months;
    else [this.from, this.to] = [this.from ?? this.months[0], this.to ?? this.months.at(-1)];
  }

  /** The same filters with some of them changed. */
  with(changes) {
    const { system, account, party, currency, from, to } = this;
    return { system, account, party, currency, from, to, ...changes };
  }

  get currencyCode() {
    return this.currency === null ? "" : this.content.choices.currency[this.currency];
  }

  get periodText() {
    if (this.from === null) return "all months";
    return this.from === this.to ? month(this.from) : `${month(this.from)} to ${month(this.to)}`;
  }

  /** In words, for print and for those who do not see the form. */
  get summary() {
    const { choices } = this.content;
    return [
      this.currencyCode || "no currency", this.periodText,
      this.system === null ? "all systems" : systemName(choices.system[this.system]),
      this.account === null ? null : `account ${choices.account[this.account]}`,
      this.party === null ? null : this.parties.labels[this.party],
    ].filter(Boolean).join(" · ");
  }

  build() {
    const { choices } = this.content;
    const changed = (change) => (event) => { change(event.target); this.show(); this.onChange(); };
    const chosen = (name) => changed((target) => { this[name] = target.value === "" ? null : Number(target.value); });
    const select = (id, label, options, onchange) =>
      element("label", { for: id }, element("span", {}, label), element("select", { id, onchange }, options.map(([value, text]) => element("option", { value }, text))));
    const codes = (name, all, text) => [["", all], ...choices[name].map((each, code) => [code, text(each)]).sort((a, b) => (a[1] < b[1] ? -1 : 1))];
    const months = this.months.map((each) => [each, month(each)]);
    this.party_input = element("input", { id: "party", list: "parties", type: "search", placeholder: "All", autocomplete: "off",
      onchange: changed((target) => this.setParty(target)) });
    byId("filters").replaceChildren(
      select("currency", "Currency", this.currencies.map((code) => [code, choices.currency[code] || "(none)"]), chosen("currency")),
      select("period", "Period", PERIODS.map((each) => [each, each]), changed((target) => this.setPeriod(target.value))),
      select("from", "From", months, changed((target) => { this.from = Number(target.value); this.to = Math.max(this.from, this.to); })),
      select("to", "To", months, changed((target) => { this.to = Number(target.value); this.from = Math.min(this.from, this.to); })),
      select("system", "System", codes("system", "All", systemName), chosen("system")),
      select("account", "Account", codes("account", "All", (each) => each), chosen("account")),
      element("label", { for: "party" }, element("span", {}, "Customer or supplier"), this.party_input,
        element("datalist", { id: "parties" }, this.parties.labels.map((value) => element("option", { value })))),
      element("button", { type: "button", id: "reset", onclick: () => { this.reset(); this.onChange(); } }, "Reset"));
  }

  /** Take the party whose label was entered; one that is none leaves the filter as it was, and says so. */
  setParty(input) {
    const code = this.parties.codes.get(input.value);
    input.setCustomValidity(input.value && code === undefined ? "Choose one of the list" : "");
    if (input.reportValidity()) this.party = code ?? null;
  }

  /** Make the form show what is chosen. */
  show() {
    const values = { currency: this.currency, period: this.period, from: this.from, to: this.to, system: this.system, account: this.account };
    for (const [id, value] of Object.entries(values)) byId(id).value = value ?? "";
    if (this.party_input.checkValidity()) this.party_input.value = this.party === null ? "" : this.parties.labels[this.party];
    const hide = (id, hidden) => { byId(id).closest("label").hidden = hidden; };
    for (const id of ["from", "to"]) hide(id, this.period !== "Other months");
    hide("account", this.content.choices.account.length < 2);
    hide("system", this.content.choices.system.length < 2);
    byId("filter-summary").textContent = this.summary;
  }
}

/** A label for each party: its name; with its key where others have the same name. */
function partyLabels(parties) {
  const times = new Map();
  for (const [name] of parties) times.set(name, (times.get(name) ?? 0) + 1);
  const labels = parties.map(([name, key]) => (name && times.get(name) === 1 ? name : `${name || "(no name)"} (${key.split("|").join(" ")})`));
  return { labels, codes: new Map(labels.map((label, code) => [label, code])) };
}

/** The codes of currencies, those with most rows first. */
function currenciesByUse(currencies, tables) {
  const uses = currencies.map((_, code) => [code, 0]);
  for (const each of Object.values(tables)) {
    for (const code of each.columns.currency ? each.columns.currency.codes : []) uses[code][1] += 1;
  }
  const named = uses.filter(([code]) => currencies[code] !== "");
  return (named.length ? named : uses).sort((a, b) => b[1] - a[1]).map(([code]) => code);
}

/** Every month from the first that any table has to the last. */
function allMonths(tables, asOf) {
  let [first, last] = [monthAway(asOf, 0), monthAway(asOf, 0)];
  for (const each of Object.values(tables)) {
    for (const value of each.columns.month ? each.columns.month.values : []) {
      first = Math.min(first, value);
      last = Math.max(last, value);
    }
  }
  return monthsBetween(first, last);
}

/** All months from one to another; the last 1,200 at most, as a date in the year 1 is an error of typing. */
function monthsBetween(first, last) {
  const found = [];
  for (let at = last; at >= first && found.length < 1_200; at = monthAway(at, -1)) found.unshift(at);
  return found;
}

// Numbers, dates and times as the reader's locale writes them. Amounts are BigInts and never become floats, but for drawing.

const LOCALE = navigator.languages && navigator.languages.length ? [...navigator.languages] : undefined;
const DAY = 86_400_000;
let scale = 0;

const formats = new Map();
function formatOf(key, make) {
  if (!formats.has(key)) formats.set(key, make());
  return formats.get(key);
}

/** The amount as a decimal number in full, such as -12.50. */
function decimal(units) {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const fraction = scale ? digits.slice(-scale).replace(/0+$/, "") : "";
  return `${units < 0n ? "-" : ""}${whole}${fraction ? `.${fraction}` : ""}`;
}

/** The format of a currency; of a plain number where the code is none. */
function currencyFormat(currency, more = {}) {
  return formatOf(`${currency} ${JSON.stringify(more)}`, () => {
    try {
      const own = new Intl.NumberFormat(LOCALE, { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
      return new Intl.NumberFormat(LOCALE, {
        style: "currency", currency, currencyDisplay: "code", minimumFractionDigits: own, maximumFractionDigits: Math.max(own, scale), ...more,
      });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return new Intl.NumberFormat(LOCALE, { minimumFractionDigits: 2, maximumFractionDigits: Math.max(2, scale), ...more });
    }
  });
}

/** An amount for a person: without its currency, which stands at the head. */
function money(units, currency) {
  if (units === null) return "unknown";
  return currencyFormat(currency).formatToParts(decimal(units))
    .filter((part) => part.type !== "currency" && part.type !== "literal").map((part) => part.value).join("");
}

/** An amount with its currency. */
function moneyWithCurrency(units, currency) {
  return units === null ? "unknown" : `${money(units, currency)} ${currency}`.trim();
}

/** About how much, for the axis of a chart. */
const compactAmount = (value) =>
  formatOf("compact", () => new Intl.NumberFormat(LOCALE, { notation: "compact", maximumFractionDigits: 1 })).format(value);

/** The amount as a float, for the length of a bar. */
const drawn = (units) => Number(decimal(units));

const count = (value) => formatOf("count", () => new Intl.NumberFormat(LOCALE)).format(value);

/** A quotient of two BigInts with one decimal, for days; null where the divisor is 0. */
function quotient(dividend, divisor) {
  if (divisor === 0n) return null;
  const sign = (dividend < 0n) === (divisor < 0n) ? 1n : -1n;
  const [a, b] = [dividend < 0n ? -dividend : dividend, divisor < 0n ? -divisor : divisor];
  return Number(sign * ((a * 10n * 2n + b) / (b * 2n))) / 10;
}

/** A share of two BigInts as a percentage with one decimal; empty where there is no whole. */
function percent(part, whole) {
  const share = quotient(part * 100n, whole);
  if (share === null) return "";
  return formatOf("percent", () => new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: 1 })).format(share / 100);
}

const oneDecimal = (value) => formatOf("days", () => new Intl.NumberFormat(LOCALE, { minimumFractionDigits: 1, maximumFractionDigits: 1 })).format(value);

const dateFormat = (options) => formatOf(JSON.stringify(options), () => new Intl.DateTimeFormat(LOCALE, { timeZone: "UTC", ...options }));
const date = (days) => (days === null ? "" : dateFormat({ dateStyle: "medium" }).format(days * DAY));
const month = (days) => dateFormat({ month: "short", year: "numeric" }).format(days * DAY);
const longDate = (days) => dateFormat({ dateStyle: "long" }).format(days * DAY);
const instant = (seconds) =>
  formatOf("instant", () => new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeStyle: "short" })).format(seconds * 1000);

/** The time since, such as "3 hours ago". */
function ago(seconds) {
  const passed = seconds - Date.now() / 1000;
  const [unit, size] = [["day", 86_400], ["hour", 3_600], ["minute", 60]].find(([, each]) => Math.abs(passed) >= 1.5 * each) ?? ["minute", 60];
  return formatOf("ago", () => new Intl.RelativeTimeFormat("en", { numeric: "auto" })).format(Math.round(passed / size), unit);
}

const ISO = /^(\d+)-(\d\d)-(\d\d)$/;
const dayOf = (iso) => { const [, y, m, d] = ISO.exec(iso).map(Number); return Date.UTC(y, m - 1, d) / DAY; };
/** The first day of the month that lies some months away. */
function monthAway(days, months) {
  const from = new Date(days * DAY);
  return Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + months, 1) / DAY;
}

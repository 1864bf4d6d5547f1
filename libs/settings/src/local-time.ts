/**
 * A time for people, in the time zone of this machine or of `TZ`: with its offset from UTC, such as
 * `2026-11-28T19:38:12.824+01:00`, in UTC itself `…Z`. What is no time stays as it is. What goes over the wire, into a file or
 * into a log is in UTC, and not from here.
 */
export function localTime(time: number | string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return String(time);
  const offset = -date.getTimezoneOffset();
  if (offset === 0) return date.toISOString();
  const wall = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, -1);
  const hoursAndMinutes = new Date(Math.abs(offset) * 60_000).toISOString().slice(11, 16);
  return `${wall}${offset < 0 ? "-" : "+"}${hoursAndMinutes}`;
}

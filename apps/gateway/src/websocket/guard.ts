/**
 * The same listener, but what it throws goes to `onThrow`.
 *
 * An exception in a listener of a socket would end the process, and with it every other page's connection.
 */
export function guard<Arguments extends unknown[]>(
  work: (...values: Arguments) => void,
  onThrow: (error: unknown) => void,
): (...values: Arguments) => void {
  return (...values) => {
    try {
      work(...values);
    } catch (error) {
      onThrow(error);
    }
  };
}

/** Waits for what something that changes comes to. */
export class Watched {
  readonly #looks = new Set<() => void>();

  /** Looks again, since something changed. */
  changed(): void {
    for (const look of this.#looks) look();
  }

  /** Resolves with what `find` finds, now or after a change; what it throws rejects. */
  until<Found>(find: () => Found | undefined): Promise<Found> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        try {
          const found = find();
          if (found === undefined) return;
          resolve(found);
        } catch (error) {
          reject(error);
        }
        this.#looks.delete(look);
      };
      this.#looks.add(look);
      look();
    });
  }
}

/** What a picture could not show, a sentence each, told once. */

export class Missing {
  readonly #sentences = new Set<string>()

  say(sentence: string): void {
    this.#sentences.add(sentence)
  }

  get sentences(): readonly string[] {
    return [...this.#sentences]
  }
}

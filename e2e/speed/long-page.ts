// A page of many blocks of every kind, the same one each time.

const WORDS = "river stone morning quiet ledger paper harbour signal winter orchard copper lantern meadow thread hollow narrow".split(" ");

/** `count` blocks as Markdown: half paragraphs, the rest headings, lists, tasks, quotes and code. */
export function longPage(count: number): string {
  let seed = 0x5eed;
  const next = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * below);
  };
  const words = (least: number, most: number): string =>
    Array.from({ length: least + next(most - least) }, () => WORDS[next(WORDS.length)]).join(" ");
  const blocks: string[] = [];
  // Twenty blocks in turn; lists and code stand together, as people write them.
  while (blocks.length < count) {
    blocks.push(`## ${words(2, 5)}\n`);
    for (let n = 0; n < 5; n += 1) blocks.push(`${words(8, 40)} **${words(1, 3)}** ${words(4, 20)}.\n`);
    for (let n = 0; n < 3; n += 1) blocks.push(`- ${words(3, 12)}`);
    blocks.push(`\n${words(10, 30)}.\n`);
    for (let n = 0; n < 3; n += 1) blocks.push(`1. ${words(3, 12)}`);
    blocks.push(`\n${words(10, 30)}.\n`);
    for (let n = 0; n < 2; n += 1) blocks.push(`- [ ] ${words(3, 9)}`);
    blocks.push(`\n> ${words(6, 20)}.\n`);
    blocks.push(`\`\`\`\nlet ${words(1, 2)} = 1;\n\`\`\`\n`);
    for (let n = 0; n < 2; n += 1) blocks.push(`${words(8, 40)}.\n`);
  }
  return blocks.slice(0, count).join("\n");
}

import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "../fixtures/people.ts";

const SOURCE = "# Tide windows\n\nLow water on **three** days:\n\n- 12 April\n- 13 April\n\n> Nothing is lost.\n";

test("a Markdown file becomes a page, and the page the same file again", async ({ people }) => {
  const ada = await people.join("Ada");
  await ada.app.createPage("First");
  await ada.page.getByLabel("Files to import").setInputFiles({ name: "tides.md", mimeType: "text/markdown", buffer: Buffer.from(SOURCE) });
  await expect(ada.app.title).toHaveValue("Tide windows");
  await expect(ada.app.listItems("bullet")).toHaveText(["12 April", "13 April"]);
  const download = ada.app.nextDownload();
  await ada.page.getByRole("button", { name: "More about this page" }).click();
  await ada.page.getByRole("menuitem", { name: "Export as Markdown" }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe("Tide windows.md");
  expect(await readFile(await file.path(), "utf8")).toBe(SOURCE);
});

test("a file that is no text is refused in words", async ({ people }) => {
  const ada = await people.join("Ada");
  await ada.app.createPage("First");
  await ada.page.getByLabel("Files to import").setInputFiles({ name: "photo.md", mimeType: "text/markdown", buffer: Buffer.from([1, 0, 2]) });
  await expect(ada.page.getByText("photo.md was not imported: it is not a text.")).toBeVisible();
});

test("an HTML file becomes a page with its title, headings, lists and links, and nothing in it runs", async ({ people }) => {
  const ada = await people.join("Ada");
  await ada.app.createPage("First");
  const html = `<!doctype html><html><head><title>x</title><style>p{color:red}</style></head><body>
    <h1>Tide windows</h1><p>Low water on <b>three</b> <a href="https://example.org/">days</a>:</p>
    <ul><li>12 April<ul><li>at dawn</li></ul></li><li>13 April</li></ul>
    <script>document.title = "owned"</script><img src="x" onerror="document.title='owned'"><h2>After</h2></body></html>`;
  await ada.page.getByLabel("Files to import").setInputFiles({ name: "tides.html", mimeType: "text/html", buffer: Buffer.from(html) });
  await expect(ada.app.title).toHaveValue("Tide windows");
  await expect(ada.app.listItems("bullet")).toHaveText(["12 April", "at dawn", "13 April"]);
  await expect(ada.app.body.locator("strong")).toHaveText("three");
  await expect(ada.app.body.getByRole("link", { name: "days" })).toHaveAttribute("href", "https://example.org/");
  await expect(ada.app.heading(2, "After")).toBeVisible();
  await expect(ada.page).toHaveTitle("Tide windows · Sheaf");
  await ada.app.isSaved();
});

test("in a plain text no sign means anything, neither in the browser nor on the command line", async ({ ownPeople, ownProgram }, testInfo) => {
  const source = "# not a heading\r\n- not a list\r\n\r\n*stars* & <tags>";
  const lines = "# not a heading\n- not a list\n\n*stars* & <tags>";
  const ada = await ownPeople.join("Ada");
  await ada.app.createPage("First");
  await ada.page.getByLabel("Files to import").setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from(source) });
  await expect(ada.app.title).toHaveValue("notes");
  await expect.poll(() => ada.app.text()).toBe(lines);
  const file = testInfo.outputPath("from-a-shell.txt");
  await writeFile(file, source);
  const path = await ownProgram.importFile(file);
  await ada.app.open(path);
  await expect(ada.app.title).toHaveValue("from-a-shell");
  await expect.poll(() => ada.app.text()).toBe(lines);
});

test("files dropped on the page become pages, also on the words of a page, and the app stays", async ({ ownPeople: people }) => {
  const ada = await people.join("Ada");
  await ada.app.createPage("First");
  for (const [target, title] of [["main", "Dropped beside"], [".ProseMirror", "Dropped on words"], [".tree", "Dropped on the list"]] as const) {
    await ada.page.locator(target).first().evaluate((element, title) => {
      const data = new DataTransfer();
      data.items.add(new File([`# ${title}\n\nWords`], "dropped.md", { type: "text/markdown" }));
      const told = (kind: string) => element.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true, clientX: 400, clientY: 300 }));
      if (told("dragover")) throw new Error("the browser would open the file");
      if (told("drop")) throw new Error("the browser would open the file");
    }, title);
    await expect(ada.app.title).toHaveValue(title);
    await expect(ada.app.body).toHaveText("Words");
    await ada.app.entry("First").click();
    await expect(ada.app.body).toHaveText("");
  }
});

test("a file in another encoding is refused in words, and the others beside it come in", async ({ people }) => {
  const ada = await people.join("Ada");
  await ada.app.createPage("First");
  await ada.page.getByLabel("Files to import").setInputFiles([
    { name: "old.txt", mimeType: "text/plain", buffer: Buffer.from([0x47, 0x72, 0xfc, 0xdf, 0x65]) },
    { name: "new.txt", mimeType: "text/plain", buffer: Buffer.from("Grüße") },
  ]);
  await expect(ada.page.getByText("old.txt was not imported: it is not a text in UTF-8.")).toBeVisible();
  await expect(ada.app.title).toHaveValue("new");
  await expect(ada.app.body).toHaveText("Grüße");
});

test("a title full of signs leaves as Markdown and as HTML and comes back as it was", async ({ people }) => {
  const ada = await people.join("Ada");
  const title = "*Plan* <b>_B_</b> & [x](y)";
  await ada.app.createPage(title);
  await ada.app.write("Words");
  for (const form of ["Markdown", "HTML"]) {
    const download = ada.app.nextDownload();
    await ada.page.getByRole("button", { name: "More about this page" }).click();
    await ada.page.getByRole("menuitem", { name: `Export as ${form}` }).click();
    const file = await (await download).path();
    const name = form === "HTML" ? "back.html" : "back.md";
    const before = ada.app.path;
    await ada.page.getByLabel("Files to import").setInputFiles({ name, mimeType: "text/plain", buffer: await readFile(file) });
    await expect.poll(() => ada.app.path).not.toBe(before);
    await expect(ada.app.title).toHaveValue(title);
    await expect(ada.app.body).toHaveText("Words");
  }
});

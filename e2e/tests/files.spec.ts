import { readFile } from "node:fs/promises";
import { expect, test } from "../fixtures/people.ts";

const SOURCE = "# Tide windows\n\nLow water on **three** days:\n\n- 12 April\n- 13 April\n\n> Nothing is lost.\n";

test("a Markdown file becomes a page, and the page the same file again", async ({ people }) => {
  const ada = await people.join("Ada");
  await ada.app.createPage("First");
  await ada.page.getByLabel("Files to import").setInputFiles({ name: "tides.md", mimeType: "text/markdown", buffer: Buffer.from(SOURCE) });
  await expect(ada.app.title).toHaveValue("Tide windows");
  await expect(ada.app.listItems("bullet")).toHaveText(["12 April", "13 April"]);
  const download = ada.page.waitForEvent("download");
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

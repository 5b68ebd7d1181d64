// The log of this device, when much was written: it is folded, and not while somebody writes.

import type { Page } from "@playwright/test";
import { expect, test } from "../fixtures/people.ts";

/** More rows than the log may have before it is folded. */
const ROWS = 600;
/** How long somebody goes on writing behind that, in milliseconds: longer than the pause that is waited for. */
const WRITING_ON_MS = 6_000;

/** Rows and foldings that the log of one document has. */
async function log(page: Page, doc: string): Promise<{ rows: number; foldings: number }> {
  return page.evaluate(
    (doc) =>
      new Promise<{ rows: number; foldings: number }>((done, failed) => {
        const opening = indexedDB.open("sheaf");
        opening.onerror = () => failed(opening.error);
        opening.onsuccess = () => {
          const reading = opening.result.transaction(["log", "snapshots"]);
          const rows = reading.objectStore("log").index("doc").count(doc);
          const snapshot = reading.objectStore("snapshots").get(doc);
          reading.oncomplete = () => {
            opening.result.close();
            done({ rows: rows.result, foldings: (snapshot.result as { generation: number } | undefined)?.generation ?? 0 });
          };
          reading.onabort = () => failed(reading.error);
        };
      }),
    doc,
  );
}

test("a long log is folded when writing pauses and not before, and the page opens offline with every letter", async ({ people }) => {
  const ada = await people.join("Ada");
  const path = await ada.app.createPage("Long log");
  await ada.app.isSaved();
  await ada.app.keepsItselfForOffline();
  await ada.app.body.focus();
  let written = "";
  const write = async (words: string): Promise<void> => {
    written += words;
    await ada.app.type(words);
  };
  for (let row = 0; row < ROWS; row += 20) await write("twenty letters are. ");
  const long = Date.now();
  while (Date.now() - long < WRITING_ON_MS) await write("on ");
  const whileWriting = await log(ada.page, ada.app.documentName);
  expect(whileWriting.foldings).toBe(0);
  expect(whileWriting.rows).toBeGreaterThanOrEqual(ROWS);
  await ada.app.isSaved();
  await expect.poll(async () => (await log(ada.page, ada.app.documentName)).foldings).toBe(1);
  expect((await log(ada.page, ada.app.documentName)).rows).toBeLessThan(ROWS / 10);

  await ada.goOffline();
  await ada.page.close();
  const tab = await ada.anotherTab();
  await tab.open(path);
  await expect(tab.body).toHaveText(written.trim());
});

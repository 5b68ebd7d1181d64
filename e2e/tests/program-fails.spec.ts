// What a person sees when the program itself fails in a tab.

import { readFile } from "node:fs/promises";
import { expect, test } from "../fixtures/people.ts";

test("when the program fails writing stops, what is on screen can be downloaded, and after a reload all is there", async ({ people }) => {
  const [ada, ben] = await people.together("Ada", "Ben");
  const { app, page } = ada!;
  await app.write("# Tides\nThe sea rises twice a day.");
  await app.isSaved();
  await ada!.goOffline();
  await app.write(" Nobody else has this yet.");
  await app.isKept();
  await ada!.breakProgram();
  await page.getByRole("button", { name: "New page", exact: true }).click();

  const notice = page.getByRole("alert");
  await expect(notice).toContainText("writing was stopped to keep your text safe. What you typed is kept on this device");
  await expect(app.body).toHaveAttribute("contenteditable", "false");
  await expect(app.title).toHaveAttribute("readonly");
  await expect(app.body).toContainText("The sea rises twice a day.");
  // A program that failed must not be driven on, whatever is on screen.
  await page.getByRole("button", { name: "New page", exact: true }).click();
  await page.evaluate(() => document.querySelector(".ProseMirror")!.setAttribute("contenteditable", "true"));
  await app.body.focus();
  await page.keyboard.type("lost?");
  await page.keyboard.press("Enter");
  await expect(app.body).not.toContainText("lost?");
  await expect(app.body).toContainText("The sea rises twice a day.");
  const coming = app.nextDownload();
  await notice.getByRole("link", { name: "Download what is on screen" }).click();
  const file = await readFile(await (await coming).path(), "utf8");
  expect(file).toContain("Tides");
  expect(file).toContain("The sea rises twice a day.");

  await ben!.app.write(" Meanwhile.");
  await ada!.comeBack();
  await notice.getByRole("link", { name: "Reload" }).click();
  await expect(app.body).toBeEditable();
  await expect(app.body).toContainText("Meanwhile.");
  await expect(ben!.app.body).toContainText("Nobody else has this yet.");
  await app.write(" On it goes.");
  await expect(ben!.app.body).toContainText("On it goes.");
});

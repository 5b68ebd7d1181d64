import { sameText } from "../fixtures/app.ts";
import { expect, test } from "../fixtures/people.ts";

test("both write on while one has no network, and afterwards both have everything", async ({ people }) => {
  const [ada, ben] = await people.together("Ada", "Ben");
  await ada!.app.write("Plan\n");
  await sameText(ada!.app, ben!.app);
  await ada!.app.isSaved();

  await ada!.goOffline();
  await expect(ada!.app.chip).toContainText(/offline/i);
  await ada!.app.write("Ada was out of reach.");
  await ada!.app.isKept();
  await ben!.app.write("Ben stayed.");
  await ben!.app.isSaved();

  await ada!.comeBack();
  const text = await sameText(ada!.app, ben!.app);
  expect(text).toContain("Ada was out of reach.");
  expect(text).toContain("Ben stayed.");
  await ada!.app.isSaved();
});

test("a cable that is cut without the browser noticing is said, and nothing typed is lost", async ({ people }) => {
  const [ada, ben] = await people.together("Ada", "Ben");
  await ada!.line.cut();
  await ada!.app.write("The browser believes it is online.");
  await expect(ada!.app.chip).toContainText(/kept on this device|can't reach/i);
  await ada!.line.heal();
  await expect(ben!.app.body).toContainText("The browser believes it is online.");
  await ada!.app.isSaved();
});

test("on a line that swallows everything nothing is called saved", async ({ people }) => {
  const [ada, ben] = await people.together("Ada", "Ben");
  ada!.line.stall();
  await ada!.app.write("into the void");
  await expect(ada!.app.chip).not.toHaveText("Saved");
  await ada!.line.heal();
  await expect(ben!.app.body).toContainText("into the void");
  await ada!.app.isSaved();
});

test("on a slow line one writes as fast as ever, and it all arrives", async ({ people }) => {
  const [ada, ben] = await people.together("Ada", "Ben");
  ada!.line.slow(400);
  const started = Date.now();
  await ada!.app.write("The satellite is far away and the letters still appear at once.");
  await expect(ada!.app.body).toContainText("appear at once.");
  // One letter at a time over that line they would take a minute.
  expect(Date.now() - started).toBeLessThan(25_000);
  await sameText(ada!.app, ben!.app);
  await ada!.app.isSaved();
});

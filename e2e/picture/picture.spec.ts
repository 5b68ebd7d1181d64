// Two people on a page that shows what a page can hold, as the README shows it.

import { fileURLToPath } from "node:url";
import { expect, test } from "../fixtures/people.ts";

const FILE = fileURLToPath(new URL("../../docs/images/sheaf.png", import.meta.url));

test.use({ viewport: { width: 1240, height: 760 }, deviceScaleFactor: 1.5 });

test("the README's picture", async ({ people }) => {
  const ada = await people.join("Ada");
  await ada.app.createPage("River survey");
  await ada.app.createPage("Equipment checklist");
  const path = await ada.app.createPage("Spring sampling plan");
  await ada.app.write("We sample nine sites between the weir and the estuary, at low water. Phones lose signal past site 5: ");
  await ada.page.keyboard.press("ControlOrMeta+b");
  await ada.app.type("write everything here anyway");
  await ada.page.keyboard.press("ControlOrMeta+b");
  await ada.app.type(", it joins up when you are back in range.\n## Before we leave\n[] Calibrate both conductivity meters\nCharge the GPS units\nPrint the site map\n\n## Low water\n- 12 April, 06:42: sites 1 to 3\n13 April, 07:19: sites 4 to 6\n\n> Nothing typed on the river is ever lost.");
  await ada.app.body.getByRole("checkbox").first().click();
  const ben = await people.join("Ben");
  await ben.app.open(path);
  await ben.app.body.getByText("Charge the GPS units").click();
  await ben.page.keyboard.press("End");
  await expect(ada.app.caretOf("Ben")).toBeVisible();
  await ada.app.isSaved();
  await ada.page.screenshot({ path: FILE, animations: "disabled" });
});

// What comes from other programs: the markup below was written for these tests in the manner of each.

import { sameText } from "../fixtures/app.ts";
import { expect, test } from "../fixtures/people.ts";

const fromWord = `<html xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:w="urn:schemas-microsoft-com:office:word">
<head><meta name=Generator content="Microsoft Word 15"><style><!-- p.MsoNormal {margin:0cm; font-family:Calibri} --></style></head>
<body lang=EN-GB style='word-wrap:break-word'><!--StartFragment-->
<h1 style='mso-style-next:Normal'>Minutes<o:p></o:p></h1>
<p class=MsoNormal>We agreed on <b style='mso-bidi-font-weight:normal'>three</b> things.<o:p></o:p></p>
<p class=MsoListParagraphCxSpFirst style='text-indent:-18.0pt;mso-list:l0 level1 lfo1'><![if !supportLists]><span style='font-family:Symbol'><span style='mso-list:Ignore'>·<span style='font:7.0pt "Times New Roman"'>&nbsp;&nbsp; </span></span></span><![endif]>Boats<o:p></o:p></p>
<p class=MsoListParagraphCxSpLast style='text-indent:-18.0pt;mso-list:l0 level1 lfo1'><![if !supportLists]><span style='font-family:Symbol'><span style='mso-list:Ignore'>·<span style='font:7.0pt "Times New Roman"'>&nbsp;&nbsp; </span></span></span><![endif]>Nets<o:p></o:p></p>
<!--EndFragment--></body></html>`;

const fromGoogleDocs = `<meta charset='utf-8'><b style="font-weight:normal;" id="docs-internal-guid-0"><h2 dir="ltr"><span style="font-size:16pt;font-weight:400;">Route</span></h2><p dir="ltr"><span style="font-weight:400;">Take the </span><span style="font-weight:700;">left</span><span style="font-weight:400;"> bank.</span></p><ol><li dir="ltr" aria-level="1"><p dir="ltr" role="presentation"><span>Weir</span></p></li><li dir="ltr" aria-level="1"><p dir="ltr" role="presentation"><span>Mill</span></p></li></ol></b><br class="Apple-interchange-newline">`;

test("a passage from Word keeps its heading, its bold and its list, and leaves Word's own marks behind", async ({ people }) => {
  const [ada, ben] = await people.together("Ada", "Ben");
  await ada!.app.body.focus();
  await ada!.app.paste({ "text/html": fromWord, "text/plain": "Minutes\nWe agreed on three things.\n·  Boats\n·  Nets" });
  await expect(ben!.app.heading(1, "Minutes")).toBeVisible();
  await expect(ben!.app.body.locator("strong")).toHaveText("three");
  await expect.poll(() => ben!.app.words(ben!.app.listItems("bullet"))).toEqual(["Boats", "Nets"]);
  expect(await sameText(ada!.app, ben!.app)).toBe("Minutes\nWe agreed on three things.\nBoats\nNets");
});

test("a passage from Google Docs keeps its heading, its numbers, and only the bold that is bold", async ({ people }) => {
  const [ada, ben] = await people.together("Ada", "Ben");
  await ada!.app.body.focus();
  await ada!.app.paste({ "text/html": fromGoogleDocs, "text/plain": "Route\nTake the left bank.\nWeir\nMill" });
  await expect(ben!.app.heading(2, "Route")).toBeVisible();
  await expect.poll(() => ben!.app.words(ben!.app.body.locator("strong"))).toEqual(["left"]);
  await expect.poll(() => ben!.app.words(ben!.app.listItems("ordered"))).toEqual(["Weir", "Mill"]);
});

test("Markdown pasted as plain text becomes what it says", async ({ people }) => {
  const [ada, ben] = await people.together("Ada", "Ben");
  await ada!.app.body.focus();
  await ada!.app.paste({ "text/plain": "# Stores\n\nBuy **two** of:\n\n- rope\n- tar\n\n```rust\nfn main() {}\n```\n" });
  await expect(ben!.app.heading(1, "Stores")).toBeVisible();
  await expect(ben!.app.body.locator("strong")).toHaveText("two");
  await expect.poll(() => ben!.app.words(ben!.app.listItems("bullet"))).toEqual(["rope", "tar"]);
  await expect(ben!.app.body.locator(".block.code").first()).toContainText("fn main() {}");
});

test("plain lines stay plain lines, with every character they had", async ({ people }) => {
  const [ada, ben] = await people.together("Ada", "Ben");
  await ada!.app.body.focus();
  const lines = "It cost 3 * 4 < 20 & more.\nTabs\tand emoji 👩‍🚀 and ünïcödé.";
  await ada!.app.paste({ "text/plain": lines });
  expect(await sameText(ada!.app, ben!.app)).toBe(lines);
});

test("a script in what is pasted does not run and does not arrive", async ({ people }) => {
  const [ada, ben] = await people.together("Ada", "Ben");
  await ada!.app.body.focus();
  await ada!.app.paste({ "text/html": `<p onclick="window.hurt=1">fine<img src=x onerror="window.hurt=1"><script>window.hurt=1</script><a href="javascript:window.hurt=1">link</a></p>` });
  await expect(ben!.app.body).toContainText("fine");
  for (const person of [ada!, ben!]) {
    expect(await person.page.evaluate(() => "hurt" in window)).toBe(false);
    await expect(person.app.body.locator("a[href^='javascript:' i], script, [onclick], [onerror]")).toHaveCount(0);
  }
});

// How the browser tests run. `cargo xtask test browsers` builds the program first, and names the
// browser in SHEAF_CHROMIUM when it is not Playwright's own.

import { defineConfig, type PlaywrightTestConfig } from "@playwright/test";

const systemBrowser = process.env["SHEAF_CHROMIUM"];

// Chromium refuses its sandbox to root; the rest keeps it from asking for anything but the page.
const quietly = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const asRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : [];

export const config: PlaywrightTestConfig = {
  outputDir: "results",
  // Far longer than anything takes: a machine that has much else to do is no fault of ours.
  timeout: 120_000,
  expect: { timeout: 30_000 },
  // Each test runs two or three browsers and a server; side by side they would test the machine's patience.
  workers: 1,
  forbidOnly: process.env["CI"] !== undefined,
  // A test that fails once is a fault to understand. In CI it is tried once more, so that one slow moment of a shared
  // machine does not hide the rest; the closing lines name it as flaky, and it is to be mended.
  retries: process.env["CI"] === undefined ? 0 : 1,
  reporter: [["list"], ["html", { open: "never", outputFolder: "report" }]],
  use: {
    browserName: "chromium",
    viewport: { width: 1280, height: 800 },
    // Recording every test makes the suite half as long again; what fails in CI is recorded when it is tried once more.
    trace: "on-first-retry",
    screenshot: "only-on-failure",
    launchOptions: {
      args: [...quietly, ...asRoot],
      ...(systemBrowser === undefined ? {} : { executablePath: systemBrowser }),
    },
  },
};

export default defineConfig(config, { testDir: "tests" });

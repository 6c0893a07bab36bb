// Opens a page of eddy-pause report in a headless Chromium (WebDriver, over chromedriver) and checks what is shown,
// that zooming works, that nothing is complained of and nothing is loaded.
// usage: node page.mjs CHROMEDRIVER CHROMIUM PAGE.html RUNS SCRATCH [SCREENSHOTS]
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";

const [driverPath, browserPath, page, runs, scratch, shots] = process.argv.slice(2);
const failures = [];
const check = (good, what) => { if (!good) failures.push(what); };

const driver = spawn(driverPath, ["--port=0"], { stdio: ["ignore", "pipe", "inherit"] });
const port = await new Promise((resolve, reject) => {
  let text = "";
  driver.stdout.on("data", (piece) => {
    text += piece;
    const found = text.match(/successfully on port (\d+)/);
    if (found) resolve(found[1]);
  });
  driver.on("exit", () => reject(new Error("chromedriver ended: " + text)));
});

async function call(method, path, body) {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, body: body === undefined ? undefined : JSON.stringify(body) });
  const { value } = await answer.json();
  if (!answer.ok) throw new Error(`${path}: ${value.message}`);
  return value;
}

let session;
try {
  const made = await call("POST", "/session", { capabilities: { alwaysMatch: {
    "goog:chromeOptions": { binary: browserPath, args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
      `--user-data-dir=${scratch}/profile`, "--window-size=1366,900"] },
    "goog:loggingPrefs": { browser: "ALL", performance: "ALL" } } } });
  session = `/session/${made.sessionId}`;
  const run = (script, ...args) => call("POST", `${session}/execute/sync`, { script, args });
  const shot = async (name) => {
    if (shots) writeFileSync(`${shots}/${name}.png`, Buffer.from(await call("GET", `${session}/screenshot`), "base64"));
  };
  await call("POST", `${session}/url`, { url: `file://${page}` });

  const seen = await run(`
    const canvases = [...document.querySelectorAll("canvas")];
    const painted = canvases.filter((c) => c.width > 0 && c.getContext("2d").getImageData(0, 0, c.width, c.height).data.some((v, i) => i % 4 === 3 && v > 0));
    return { title: document.title, charts: canvases.length, painted: painted.length, sections: document.querySelectorAll("section.run").length,
             rows: document.querySelectorAll("#figures tbody td:first-child").length, facts: document.querySelectorAll("#facts tbody tr:first-child td").length - 1,
             text: document.body.innerText, wide: document.documentElement.scrollWidth > innerWidth };`);
  check(seen.title.startsWith("Pauses: "), "title: " + seen.title);
  check(seen.sections === +runs, `${seen.sections} runs are shown, not ${runs}`);
  check(seen.facts === +runs, "facts of each run");
  check(seen.charts === 3 + 3 * +runs && seen.painted === seen.charts, `${seen.painted} of ${seen.charts} charts are painted`);
  check(seen.rows >= 3 * +runs, "rows of kinds of stalls");
  check(/new block/.test(seen.text) && /Utilisation/.test(seen.text), "words of the page");
  check(!/NaN|undefined|@[A-Z]+@/.test(seen.text), "a value is missing in the text");
  check(!seen.wide, "the page is wider than the window");
  await shot("light");
  await run(`scrollTo(0, document.getElementById("percentiles").getBoundingClientRect().top + scrollY - 60);`);
  await shot("light-charts");

  // zoom by dragging over the first time line: memory follows; a double click shows all again
  const scale = () => run(`return eddyPause.charts.slice(3, 5).map((c) => [c.plot.scales.x.min, c.plot.scales.x.max]);`);
  const before = await scale();
  const box = await run(`
    const over = document.querySelector(".timeline .u-over");
    over.scrollIntoView({ block: "center" });
    const r = over.getBoundingClientRect();
    return [r.left, r.top, r.width, r.height].map(Math.round);`);
  const move = (x, duration = 50) => ({ type: "pointerMove", duration, origin: "viewport", x: Math.round(x), y: Math.round(box[1] + box[3] / 2) });
  const pointer = (actions) => call("POST", `${session}/actions`, { actions: [{ type: "pointer", id: "mouse", parameters: { pointerType: "mouse" }, actions }] });
  const down = { type: "pointerDown", button: 0 }, up = { type: "pointerUp", button: 0 };
  await pointer([move(box[0] + box[2] * 0.25), down, move(box[0] + box[2] * 0.4), move(box[0] + box[2] * 0.5), up]);
  const zoomed = await scale();
  const share = (zoomed[0][1] - zoomed[0][0]) / (before[0][1] - before[0][0]);
  check(share > 0.2 && share < 0.3, `dragging over a quarter shows ${share}`);
  check(Math.abs(zoomed[0][0] - zoomed[1][0]) < 1e-6 && Math.abs(zoomed[0][1] - zoomed[1][1]) < 1e-6, "memory follows the time line");
  await shot("zoomed");
  await pointer([move(box[0] + box[2] * 0.3), down, up, down, up]);
  const back = await scale();
  check(Math.abs(back[0][1] - back[0][0] - (before[0][1] - before[0][0])) < 1e-6, "a double click shows all");
  await run(`document.querySelector(".jumps button").click();`);
  const jumped = await scale();
  check(jumped[0][1] - jumped[0][0] < (before[0][1] - before[0][0]) / 2, "a button zooms to the longest stall");
  await run(`document.querySelector(".jumps button:last-child").click();`);

  // the other theme
  const theme = () => run(`return [document.documentElement.dataset.theme, getComputedStyle(document.body).backgroundColor];`);
  const first = await theme();
  await run(`document.getElementById("theme").click(); scrollTo(0, 0);`);
  const second = await theme();
  check(first[0] !== second[0] && first[1] !== second[1], "the button switches light and dark");
  await run(`scrollTo(0, document.getElementById("percentiles").getBoundingClientRect().top + scrollY - 60);`);
  await shot("dark");
  await run(`scrollTo(0, document.querySelector("section.run").offsetTop);`);
  await shot("dark-run");
  await run(`document.getElementById("theme").click();`);
  await shot("light-run");
  await run(`scrollTo(0, document.body.scrollHeight);`);
  await shot("light-end");

  const complaints = (await call("POST", `${session}/se/log`, { type: "browser" })).filter((l) => l.level === "SEVERE" || l.level === "WARNING");
  check(complaints.length === 0, "the console says " + complaints.map((l) => l.message).join("; "));
  const requests = (await call("POST", `${session}/se/log`, { type: "performance" })).map((l) => JSON.parse(l.message).message)
    .filter((m) => m.method === "Network.requestWillBeSent").map((m) => m.params.request.url)
    .filter((url) => url !== `file://${page}` && !url.startsWith("data:") && !url.startsWith("chrome"));
  check(requests.length === 0, "the page asks for " + requests.join(", "));
} catch (error) {
  failures.push(String(error));
} finally {
  if (session) await call("DELETE", session).catch(() => {});
  driver.kill();
}
for (const failure of failures) console.log("FAILED: " + failure);
if (failures.length === 0) console.log("all passed");
process.exit(failures.length === 0 ? 0 : 1);

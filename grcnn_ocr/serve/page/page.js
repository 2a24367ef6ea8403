// Crops are kept here and sent again, all of them, whenever the word list changes.

const PATIENCE = 300; // milliseconds after the last key
const HEIGHT = 110; // pixels that a crop is shown at, if there is room
const TALLEST = 300; // the most for one that is higher than wide
const DEFAULT_GAP = 5; // nats, where the weights hold none of their own
const find = (id) => document.getElementById(id);

let limits = null;
let gap = null;
let cards = []; // {file, element}, in the order of the page
let newest = 0; // number of the latest round of requests; answers to earlier ones are dropped
let running = null; // AbortController of that round
let timer = 0;

start();

async function start() {
  find("files").addEventListener("change", (event) => {
    add([...event.target.files]);
    event.target.value = "";
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) {
      event.preventDefault();
      add([...event.clipboardData.files]);
    }
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    find("drop").classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) find("drop").classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    find("drop").classList.remove("over");
    const files = [...event.dataTransfer.files];
    if (files.length) add(files);
    else complain("What was dropped holds no file. Save the picture first, or copy and paste it.");
  });
  find("words").addEventListener("input", () => {
    offer();
    clearTimeout(timer);
    timer = setTimeout(readAll, PATIENCE);
  });
  find("open").addEventListener("change", readAll);
  find("english").addEventListener("change", readAll);
  offer();
  find("upright").addEventListener("change", readAll);
  find("clear").addEventListener("click", () => cards.slice().forEach(remove));
  try {
    const facts = await ask("models", {});
    limits = facts.limits;
    gap = facts.models[0].open_gap;
    find("model").textContent = `${facts.models[0].name}, ${facts.models[0].charset.length} characters`;
    document.documentElement.dataset.ready = "yes";
  } catch (error) {
    complain(error.message);
  }
}

function offer() {
  find("open").disabled = !words();
  find("english").disabled = Boolean(words()); // a list holds the answers anyway
}

function words() {
  return find("words").value.trim();
}

function complain(message) {
  find("problem").textContent = message || "";
  find("problem").hidden = !message;
}

function add(files) {
  const added = files.map((file) => {
    const element = find("card").content.firstElementChild.cloneNode(true);
    const card = { file, element };
    const image = element.querySelector("img");
    image.addEventListener("load", () => fit(element, image.naturalWidth, image.naturalHeight));
    image.addEventListener("error", () => element.querySelector(".picture").classList.add("unseen"));
    image.src = URL.createObjectURL(file);
    element.querySelector(".name").textContent = file.name || "pasted";
    const button = element.querySelector(".remove");
    button.setAttribute("aria-label", `remove ${file.name || "pasted picture"}`);
    button.addEventListener("click", () => remove(card));
    return card;
  });
  cards = added.concat(cards);
  find("results").prepend(...added.map((card) => card.element));
  show();
  if (running) readAll();
  else read(added);
}

function fit(element, width, height) {
  const picture = element.querySelector(".picture");
  const shown = Math.min(HEIGHT * Math.max(height / width, 1), TALLEST);
  picture.style.width = `${Math.round(Math.min(width * shown / height, Math.max(width, 720)))}px`;
}

function remove(card) {
  URL.revokeObjectURL(card.element.querySelector("img").src);
  card.element.remove();
  cards = cards.filter((other) => other !== card);
  show();
}

function show() {
  find("empty").hidden = cards.length > 0;
  find("above").hidden = cards.length === 0;
  if (!cards.length) complain("");
}

function readAll() {
  clearTimeout(timer);
  find("words-note").textContent = "";
  read(cards.slice());
}

async function read(chosen) {
  if (running) running.abort();
  const round = ++newest;
  running = new AbortController();
  const { signal } = running;
  complain("");
  for (const card of chosen) card.element.classList.add("waiting");
  const began = performance.now();
  try {
    let done = 0;
    for (const part of parts(chosen)) {
      find("status").textContent = `Reading ${done + 1} to ${done + part.length} of ${chosen.length}`;
      const answer = await ask("read", { method: "POST", body: form(part), signal });
      if (round !== newest) return;
      part.forEach((card, index) => fill(card.element, answer.results[index]));
      note(answer.ignored_words);
      done += part.length;
    }
    const taken = Math.round(performance.now() - began);
    const number = `${done} picture${done === 1 ? "" : "s"}`;
    find("status").textContent = done ? `${number} read in ${taken} ms` : "";
  } catch (error) {
    if (round !== newest || error.name === "AbortError") return;
    find("status").textContent = "";
    complain(error.message);
    for (const card of chosen) card.element.classList.remove("waiting");
  }
  if (round === newest) running = null;
}

// Requests within the limits; a picture that is too large on its own gets its answer from the server.
function parts(chosen) {
  const most = limits ? limits : { images: 16, request_bytes: 4e6, image_bytes: 1e6 };
  const found = [];
  let bytes = Infinity;
  for (const card of chosen) {
    const size = Math.min(card.file.size, most.image_bytes + 1) + 1000;
    const last = found[found.length - 1];
    if (!last || last.length >= most.images || bytes + size > most.request_bytes - words().length * 3) {
      found.push([card]);
      bytes = size;
    } else {
      last.push(card);
      bytes += size;
    }
  }
  return found;
}

function form(part) {
  const data = new FormData();
  for (const { file } of part) {
    // of a file that is too large, what is enough to be told so
    const sent = limits && file.size > limits.image_bytes ? file.slice(0, limits.image_bytes + 1) : file;
    data.append("images", sent, file.name || "pasted");
  }
  data.append("num_best", "3");
  if (find("upright").checked) data.append("upright", "true");
  if (find("english").checked && !words()) data.append("language_model", "english");
  if (words()) {
    data.append("lexicon", find("words").value);
    if (find("open").checked) {
      data.append("open_lexicon", "true");
      if (gap === null) data.append("open_gap", String(DEFAULT_GAP));
    }
  }
  return data;
}

async function ask(address, options) {
  let response;
  try {
    response = await fetch(address, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server cannot be reached.");
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Error(answer?.error?.message ?? `The server answered with status ${response.status}.`);
  return answer;
}

function note(ignored) {
  const shown = ignored.slice(0, 5).join(", ") + (ignored.length > 5 ? ", ..." : "");
  find("words-note").textContent = ignored.length
    ? `${ignored.length} never the answer, with characters that the network does not know: ${shown}`
    : "";
}

function fill(element, result) {
  const part = (name) => element.querySelector(name);
  element.classList.remove("waiting");
  element.classList.toggle("failed", "error" in result);
  part(".problem").hidden = !("error" in result);
  part(".boxes").replaceChildren();
  if ("error" in result) {
    part(".problem").textContent = result.error.message;
    return;
  }
  part(".text").textContent = result.text || "no text";
  part(".text").classList.toggle("nothing", !result.text);
  const percent = Math.round(result.confidence * 100);
  grade(part(".sure"), result.confidence);
  part(".meter").setAttribute("aria-valuenow", percent);
  part(".meter div").style.width = `${percent}%`;
  part(".percent").textContent = `${percent} %`;
  part(".source").textContent = !words() ? "" : result.from_lexicon ? "from the list" : "read freely";
  const others = result.alternatives.slice(1).map((other) => {
    const text = document.createElement("b");
    text.textContent = other.text || "nothing";
    return text;
  });
  part(".others").replaceChildren(...others.flatMap((other, index) => [index ? ", " : "or ", other]));
  const turned = result.rotation ? `, read turned by ${result.rotation}°` : "";
  part(".name").textContent = `${result.name}, ${result.width} x ${result.height}${turned}`;
  fit(element, result.width, result.height); // it may be a picture that browsers do not show
  part("img").style.aspectRatio = `${result.width} / ${result.height}`;
  part(".picture").classList.toggle("lying", result.rotation !== 0);
  part(".boxes").append(...(result.characters ?? []).map((character) => box(character, result)));
}

function box(character, { width, height, rotation }) {
  const element = document.createElement("span");
  const label = document.createElement("b");
  label.textContent = character.text;
  element.append(label);
  element.title = `${character.text}: ${(character.confidence * 100).toFixed(1)} %`;
  const size = character.right - character.left;
  if (rotation) {
    const top = rotation === 90 ? height - character.right : character.left;
    element.style.top = `${(100 * top) / height}%`;
    element.style.height = `${(100 * size) / height}%`;
  } else {
    element.style.left = `${(100 * character.left) / width}%`;
    element.style.width = `${(100 * size) / width}%`;
  }
  element.style.setProperty("--doubt", `${Math.round(8 + 45 * (1 - character.confidence))}%`);
  grade(element, character.confidence);
  return element;
}

function grade(element, confidence) {
  element.classList.remove("good", "fair", "poor");
  element.classList.add(confidence >= 0.9 ? "good" : confidence >= 0.6 ? "fair" : "poor");
}

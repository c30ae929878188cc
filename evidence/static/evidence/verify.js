// Hash first: the file's SHA-256 is computed here and asked for before anything is uploaded.
// Without this file the form below uploads at once, as its words say.
"use strict";

(() => {
  const form = document.getElementById("check");
  const input = document.getElementById("file");
  const place = document.getElementById("first");
  const button = form.querySelector("button");
  const words = form.dataset;
  let worker = null;

  const line = (text, name) => {
    const made = document.createElement("p");
    made.textContent = text;
    if (name) {
      made.className = name;
    }
    place.append(made);
    return made;
  };

  const ready = (file) => {
    if (file.size > Number(words.most)) {
      line(words.tooLarge);
      return;
    }
    line(words.uploadHint, "small");
    button.textContent = words.upload;
    button.disabled = false;
  };

  const told = (file, answer) => {
    place.replaceChildren();
    place.className = answer.known ? "note good" : "note";
    answer.sentences.forEach((sentence, index) => {
      line(sentence, index === 0 ? "first" : "");
    });
    line(words.notUploaded, "small");
    line(answer.sha256, "hash");
    if (answer.known) {
      const link = document.createElement("a");
      link.href = answer.page;
      link.textContent = words.more;
      line("").append(link);
    }
    ready(file);
  };

  const unasked = (file) => {
    place.replaceChildren();
    place.className = "note";
    line(words.unasked);
    ready(file);
  };

  const ask = async (file, sha256) => {
    try {
      const answer = await fetch(`${words.lookup}${sha256}/`, {
        headers: { Accept: "application/json" },
      });
      if (!answer.ok) {
        throw new Error(String(answer.status));
      }
      const said = await answer.json();
      if (input.files[0] === file) {
        told(file, said);
      }
    } catch {
      if (input.files[0] === file) {
        unasked(file);
      }
    }
  };

  const begin = () => {
    const file = input.files[0];
    if (worker) {
      worker.terminate();
      worker = null;
    }
    if (!file) {
      place.hidden = true;
      button.disabled = false;
      return;
    }
    button.disabled = true;
    place.hidden = false;
    place.className = "note";
    place.replaceChildren();
    const state = line(words.hashing);
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", words.hashing);
    state.append(bar);
    worker = new Worker(words.worker);
    worker.addEventListener("error", () => unasked(file));
    worker.addEventListener("message", (event) => {
      if (event.data.sha256) {
        ask(file, event.data.sha256);
      } else if (event.data.error) {
        unasked(file);
      } else {
        bar.value = event.data.share;
      }
    });
    worker.postMessage(file);
  };

  input.addEventListener("change", begin);
  // A file dropped on the field is set by the script of the house, which tells nobody.
  form.querySelector(".drop").addEventListener("drop", () => setTimeout(begin, 0));
  window.addEventListener("pageshow", () => {
    if (input.files.length) {
      begin();
    }
  });
})();

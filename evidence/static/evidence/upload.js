// Sends files in pieces, goes on after a lost connection or a reload. Without it the form still works.
"use strict";

(() => {
  const form = document.getElementById("send");
  const area = document.getElementById("sending");
  if (!form || !area || !window.fetch || !(window.crypto && window.crypto.subtle)) {
    return;
  }
  const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
  const word = (name) => area.querySelector(`[data-word=${name}]`).textContent;
  const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));
  const digest = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const hex = (bytes) => Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");

  class Refused extends Error {}

  // What the same file is known by after a reload; whether it is that file the chain decides.
  const markOf = (file) => `${file.lastModified}-${file.size}`;

  async function chainOver(file, end, piece) {
    let chain = new Uint8Array(32);
    for (let at = 0; at < end; at += piece) {
      const part = await digest(await file.slice(at, Math.min(at + piece, end)).arrayBuffer());
      const both = new Uint8Array(64);
      both.set(chain);
      both.set(part, 32);
      chain = await digest(both);
    }
    return hex(chain);
  }

  async function asked(address, options) {
    // Answers of the server are final; silence and its troubles are waited out.
    for (let wait = 1; ; wait = Math.min(wait * 2, 30)) {
      try {
        const answer = await fetch(address, { ...options, redirect: "manual" });
        if (answer.type === "opaqueredirect") {
          throw new Refused(word("signed-out"));
        }
        if (answer.status < 500 || answer.status === 507) {
          return answer;
        }
      } catch (error) {
        if (error instanceof Refused) {
          throw error;
        }
      }
      options.lost();
      await pause(wait);
    }
  }

  async function begin(file, fresh, lost) {
    const body = new URLSearchParams({ name: file.name, size: file.size, mark: markOf(file) });
    if (fresh) {
      body.set("fresh", "yes");
    }
    const answer = await asked(form.dataset.begin, {
      method: "POST", body, headers: { "X-CSRFToken": token }, lost,
    });
    return stateOf(answer);
  }

  async function stateOf(answer) {
    const kind = answer.headers.get("Content-Type") || "";
    if (!kind.startsWith("application/json")) {
      throw new Refused(answer.statusText || String(answer.status));
    }
    const state = await answer.json();
    if (!answer.ok && answer.status !== 409) {
      throw new Refused(state.error);
    }
    return state;
  }

  function line(file) {
    const card = area.querySelector("template").content.cloneNode(true).firstElementChild;
    card.querySelector("strong").textContent = file.name;
    const bar = card.querySelector("progress");
    bar.setAttribute("aria-label", file.name);
    const words = card.querySelector("[data-state]");
    area.append(card);
    return {
      show(done, name) {
        bar.value = file.size ? done / file.size : 1;
        card.querySelector(".soft").textContent = `${Math.floor(bar.value * 100)} %`;
        words.textContent = word(name);
      },
      refuse(text) {
        words.textContent = text;
        card.classList.add("note", "error");
      },
    };
  }

  async function send(file, shown) {
    let done = 0;
    const lost = () => shown.show(done, "lost");
    shown.show(0, "sending");
    let state = await begin(file, false, lost);
    if (state.received) {
      shown.show(state.received, "comparing");
      if ((await chainOver(file, state.received, state.piece)) !== state.chain) {
        state = await begin(file, true, lost);
      }
    }
    while (state.received < file.size) {
      done = state.received;
      shown.show(done, "sending");
      const answer = await asked(state.to, {
        method: "PATCH",
        body: file.slice(done, done + state.piece),
        headers: { "X-CSRFToken": token, "Upload-Offset": String(done) },
        lost,
      });
      state = await stateOf(answer);
    }
    shown.show(file.size, "arrived");
    return state.page;
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    const files = Array.from(form.querySelector("[type=file]").files);
    area.hidden = false;
    form.hidden = true;
    const pages = [];
    let refused = 0;
    for (const file of files) {
      const shown = line(file);
      try {
        pages.push(await send(file, shown));
      } catch (error) {
        refused += 1;
        shown.refuse(error.message);
      }
    }
    if (!refused) {
      location.assign(pages.length === 1 ? pages[0] : form.dataset.here);
    } else {
      form.hidden = false;
    }
  });
})();

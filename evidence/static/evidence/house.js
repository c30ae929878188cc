// Conveniences only: every page works without this file.
"use strict";

document.addEventListener("submit", (event) => {
  // Two quick taps are one request.
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  const staysOpen = form.hasAttribute("hx-post") || form.hasAttribute("data-download");
  if (form.method === "post" && !staysOpen) {
    form.dataset.sent = "yes";
    const button = event.submitter;
    if (button && button.dataset.busy) {
      button.textContent = button.dataset.busy;
    }
  }
});

window.addEventListener("pageshow", () => {
  // A page taken from the browser's memory can be sent again.
  document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
});

document.querySelectorAll(".drop").forEach((zone) => {
  const input = zone.querySelector("input[type=file]");
  const over = (on) => (event) => {
    event.preventDefault();
    zone.classList.toggle("over", on);
  };
  ["dragenter", "dragover"].forEach((name) => zone.addEventListener(name, over(true)));
  ["dragleave", "drop"].forEach((name) => zone.addEventListener(name, over(false)));
  zone.addEventListener("drop", (event) => {
    if (event.dataTransfer.files.length) {
      input.files = event.dataTransfer.files;
    }
  });
});

const menu = document.querySelector(".menu-button");
if (menu) {
  const unfold = (on) => menu.setAttribute("aria-expanded", String(on));
  menu.addEventListener("click", () => unfold(menu.getAttribute("aria-expanded") !== "true"));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.getAttribute("aria-expanded") === "true") {
      unfold(false);
      menu.focus();
    }
  });
}

// Paper cannot be unfolded.
const folded = () => document.querySelectorAll("details:not([open])");
let unfolded = [];
window.addEventListener("beforeprint", () => {
  unfolded = [...folded()];
  unfolded.forEach((one) => { one.open = true; });
});
window.addEventListener("afterprint", () => {
  unfolded.forEach((one) => { one.open = false; });
});

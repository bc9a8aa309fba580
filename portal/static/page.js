"use strict";
// Forms that ask before they act, and a button that waits for a typed name.
for (const form of document.querySelectorAll("form[data-confirm]")) {
  form.addEventListener("submit", (event) => {
    if (!window.confirm(form.dataset.confirm)) event.preventDefault();
  });
}
for (const input of document.querySelectorAll("input[data-must-equal]")) {
  const button = input.form.querySelector("button");
  const check = () => { button.disabled = input.value.trim() !== input.dataset.mustEqual; };
  input.addEventListener("input", check);
  check();
}

// The buttons of a return by their keys: a approves, d declines, j is the next one, k the one before. Escape goes back.
"use strict";
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    document.querySelector("a.closelink")?.click();
    return;
  }
  const isTyping = event.target instanceof Element && event.target.closest("input, textarea, select, [contenteditable]");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  const button = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (button) {
    event.preventDefault();
    button.click();
  }
});

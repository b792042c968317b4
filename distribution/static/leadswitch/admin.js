// The menus of filters close as menus do: by Esc, and by a click beside them. Without it they close by their own name.
"use strict";
(() => {
  const openMenus = () => document.querySelectorAll(".admin-filter[open]");

  document.addEventListener("click", (event) => {
    for (const menu of openMenus()) {
      if (!menu.contains(event.target)) {
        menu.open = false;
      }
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") {
      return;
    }
    for (const menu of openMenus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
})();

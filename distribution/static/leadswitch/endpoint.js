// Shows only the fields of the chosen method. Without scripts all fields are shown, and saving ignores the others.
"use strict";
(() => {
  const method = document.getElementById("id_method");
  if (method === null || !method.dataset.methodFields) {
    return; // a person who may only look
  }
  const byMethod = JSON.parse(method.dataset.methodFields);
  const every = new Set(Object.values(byMethod).flat());

  function show() {
    const used = new Set(byMethod[method.value] ?? []);
    if (used.has("new_headers")) {
      used.add("header_names");
    }
    for (const name of [...every, "header_names"]) {
      for (const row of document.querySelectorAll(`.form-row.field-${name}`)) {
        row.hidden = !used.has(name);
      }
    }
    for (const group of document.querySelectorAll("fieldset.module")) {
      const rows = [...group.querySelectorAll(".form-row")];
      group.hidden = rows.length > 0 && rows.every((row) => row.hidden);
    }
  }

  method.addEventListener("change", show);
  show();
})();

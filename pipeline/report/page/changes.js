"use strict";
// What shall be different the next time: the endpoint's parameters with their present values, to be changed.

photobatch.changes = (() => {
  const { el } = photobatch.dom;

  // `present`: parameters as they were sent; `set`: what was changed before; `changed` hears every change.
  function form(endpoint, present, set, changed) {
    const wanted = { ...set };
    const known = photobatch.info.parameters[endpoint] || Object.keys(present).map((name) => ({ name }));
    const rows = known.map((parameter, n) => row(parameter, n));

    function row({ name, choices, image, hint }, n) {
      const now = present[name] === undefined ? "" : String(present[name]);
      const id = `change-${n}`;
      const value = wanted[name] ?? now;
      const input = choices ? select(id, choices, value) : text(id, value, hint);
      const label = el("label", { htmlFor: id }, name);
      const line = el("div.change", { class: wanted[name] !== undefined ? "change changed" : "change" }, label, input);
      const note = () => {
        if (input.value === now) delete wanted[name];
        else wanted[name] = input.value;
        line.classList.toggle("changed", name in wanted);
        changed({ ...wanted });
      };
      input.addEventListener("input", note);
      if (image) input.title = "An address, or a file beside the manifest";
      return line;
    }
    return el("div.changes", {}, ...rows);
  }

  function text(id, value, hint) {
    return value.length > 40 ? el("textarea", { id, rows: 3, value }) : el("input", { id, type: "text", value, placeholder: hint || "", autocomplete: "off" });
  }
  function select(id, choices, value) {
    const node = el("select", { id }, el("option", { value: "" }, "not sent"), ...choices.map((each) => el("option", { value: String(each) }, String(each))));
    if (value && !choices.map(String).includes(value)) node.append(el("option", { value }, value));
    node.value = value;
    return node;
  }

  return { form };
})();

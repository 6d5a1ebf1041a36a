// Shows, above what the search of the site finds, the place that explains a pasted error message.
// docs/site_hooks.py puts SENTENCES before: each with its gaps, and the address of its place.
function explained(message) {
  const text = message.split(/\s+/).join(" ").trim();
  let best = null;
  for (const [sentence, address] of SENTENCES) {
    const own = sentence.split("…").join("").length;
    if (own < 12 || (best && own <= best.own)) continue;
    let place = 0;
    const fits = sentence.replace(/\.+$/, "").split("…").every((part) => {
      const at = text.indexOf(part.trim(), place);
      place = at + part.trim().length;
      return at >= 0;
    });
    if (fits) best = { own, address };
  }
  return best && best.address;
}

if (typeof document !== "undefined") {
  const top = new URL("..", document.currentScript.src);
  document.addEventListener("DOMContentLoaded", () => {
    const field = document.querySelector("[data-md-component=search-query]");
    const results = document.querySelector("[data-md-component=search-result]");
    if (!field || !results) return;
    const link = document.createElement("a");
    link.className = "md-search-result__meta";
    link.style.fontWeight = "bold";
    link.textContent = "What to do about this message";
    link.style.display = "none";
    results.before(link);
    const look = () => {
      const address = explained(field.value);
      link.style.display = address ? "block" : "none";
      if (address) link.href = new URL(address, top).href;
    };
    for (const event of ["input", "keyup", "change", "focus"]) field.addEventListener(event, look);
    setTimeout(look, 300); // a search that the address names
  });
}

// What is on the page becomes what the server says, and all that is the same already stays.

/**
 * Makes the children of a place what the markup says. Whoever looks at it, types or chooses there loses nothing:
 * what stays keeps focus, typed text, choices, selection, scroll positions and what was unfolded.
 *
 * An element with an id, a `data-key` or, as an option, a value is known by it wherever it moves. What is
 * `data-own` belongs to the page's script and stays as that has made it.
 */
export function swap(place, markup) {
  const fresh = document.createElement("template");
  fresh.innerHTML = markup; // the server has escaped what others wrote
  const focused = document.activeElement;
  patch(place, [...fresh.content.childNodes]);
  if (document.activeElement !== focused && place.contains(focused)) focused.focus({ preventScroll: true });
}

function patch(place, fresh) {
  const known = new Map([...place.childNodes].filter(keyOf).map((node) => [keyOf(node), node]));
  const kept = fresh.map((node) => known.get(keyOf(node))).filter((old) => old !== undefined);
  const staying = inPlace(place, kept);
  for (const node of known.values()) if (!staying.has(node)) node.remove();
  let next = place.firstChild;
  for (const node of fresh) {
    const old = known.get(keyOf(node)) ?? (next && !keyOf(next) ? next : null);
    if (old === null || old.nodeName !== node.nodeName) {
      place.insertBefore(node, next);
      continue;
    }
    if (staying.has(old)) while (next !== old) next = withoutThis(next);
    if (next === old) next = old.nextSibling;
    else place.insertBefore(old, next);
    update(old, node);
  }
  while (next) next = withoutThis(next);
}

function keyOf(node) {
  return node.dataset?.key || node.id || (node.nodeName === "OPTION" ? node.value : "");
}

function withoutThis(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

/** As many of these children as can stay where they are while the others move: what moves loses its selection. */
function inPlace(place, children) {
  const order = new Map([...place.childNodes].map((node, at) => [node, at]));
  const chains = []; // for each child the longest chain in order that ends with it
  const longest = (some) => some.reduce((best, chain) => (chain.length > best.length ? chain : best), { length: 0 });
  for (const child of children) {
    const before = longest(chains.filter((chain) => order.get(chain.child) < order.get(child)));
    chains.push({ child, before, length: before.length + 1 });
  }
  const staying = new Set();
  for (let chain = longest(chains); chain.length; chain = chain.before) staying.add(chain.child);
  return staying;
}

function update(old, node) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== node.data) old.data = node.data;
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE || old.hasAttribute("data-own")) return;
  for (const { name } of [...old.attributes]) {
    if (name !== "open" && !node.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of node.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  patch(old, [...node.childNodes]);
}

// A page of the server asks every second whether the store has changed, and renews itself then.
"use strict";
(() => {
  const SECOND = 1000;
  const WHOLE = 10 * SECOND; // a page with charts renews them at most so often while a sweep runs
  let known = document.body.dataset.state;
  let renewed = performance.now();
  let pause = SECOND;

  async function fetched(address) {
    const answer = await fetch(address, { headers: { accept: "text/html" } });
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }

  // What a person is filling in or has chosen is not taken from under their hands.
  function inUse(main) {
    const active = document.activeElement;
    return (active && main.contains(active) && active.matches("input:not([type=checkbox]), textarea, select")) ||
      main.querySelector("input[name=run]:checked, details[open] form") !== null;
  }

  async function renewPart(part) {
    const fresh = (await fetched(part.dataset.part)).getElementById(part.id);
    if (!fresh) return true;
    const left = part.dataset.left;
    part.replaceWith(fresh);
    return left !== fresh.dataset.left && fresh.dataset.left === "0"; // ended: the whole page says how
  }

  async function renew() {
    const part = document.querySelector("[data-part]");
    if (part && !(await renewPart(part)) && performance.now() - renewed < WHOLE) return true;
    const main = document.getElementById("main");
    if (inUse(main)) return false;
    const fresh = await fetched(location.href);
    const place = [scrollX, scrollY];
    main.replaceWith(fresh.getElementById("main"));
    known = fresh.body.dataset.state;
    scrollTo(...place);
    renewed = performance.now();
    document.dispatchEvent(new Event("page:renewed"));
    return true;
  }

  async function ask() {
    const began = performance.now();
    try {
      if (!document.hidden) {
        const { state } = await (await fetch("/state")).json();
        const running = document.querySelector("[data-running]") && performance.now() - renewed > WHOLE;
        if (state && (state !== known || running)) {
          if (await renew()) known = state;
        }
      }
      pause = Math.max(SECOND, 4 * (performance.now() - began)); // a slow store is not asked all the time
    } catch {
      pause = 5 * SECOND; // the server has ended, or the store is gone; perhaps it comes back
    }
    setTimeout(ask, pause);
  }
  setTimeout(ask, SECOND);
})();

/** Zooming and panning: the picture has a size, its window scrolls, and what lies under the pointer stays there. */

/** @typedef {{ width: number, height: number }} Size */
/** @typedef {{ x: number, y: number }} Spot in pixels of the screen */
/**
 * @typedef {object} Viewport
 * @property {(size: Size) => void} resize the picture has another size now
 * @property {(by: number, at?: Spot) => void} zoom by a factor, about a point of the screen
 * @property {() => void} fit to the window's width
 * @property {(box: { x: number, y: number, w: number, h: number }) => void} show scroll until a box is seen
 * @property {(x: number, y: number) => Spot} onScreen where a point of the picture is seen
 * @property {(x: number, y: number, spot: Spot) => void} scrollTo scroll until a point of the picture is seen there
 * @property {() => void} destroy
 */

const SMALLEST = 0.05;
const LARGEST = 4;
/** At the start a small picture is not blown up beyond this, and a large one not shrunk beyond that. */
const [FIT_SMALLEST, FIT_LARGEST] = [0.75, 1.25];
/** A press that moves less than this many pixels is a click. */
const STILL = 4;
const ROOM = 24;
/** A frame of which less than this is on the screen is looked at elsewhere. */
const LEAST = 120;

/**
 * @param {HTMLElement} frame scrolls
 * @param {SVGSVGElement} svg the picture inside
 * @returns {Viewport}
 */
export function viewport(frame, svg) {
  /** @type {Size} */
  let size = { width: 1, height: 1 };
  let scale = 1;
  let fitted = true;

  function apply() {
    svg.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
    // Its size on paper, where no style says another.
    svg.setAttribute("width", String(size.width));
    svg.setAttribute("height", String(size.height));
    svg.style.setProperty("width", `${size.width * scale}px`);
    svg.style.setProperty("height", `${size.height * scale}px`);
  }

  function fit() {
    fitted = true;
    const room = frame.clientWidth - 2;
    scale = room > 0 ? Math.min(FIT_LARGEST, Math.max(FIT_SMALLEST, room / size.width)) : 1;
    apply();
  }

  /**
   * @param {number} by
   * @param {Spot} [at]
   */
  function zoom(by, at) {
    const next = Math.min(LARGEST, Math.max(SMALLEST, scale * by));
    const outer = frame.getBoundingClientRect();
    const point = at ?? { x: outer.left + outer.width / 2, y: outer.top + Math.min(outer.height, innerHeight) / 2 };
    const before = svg.getBoundingClientRect();
    const [x, y] = [(point.x - before.left) / scale, (point.y - before.top) / scale];
    fitted = false;
    scale = next;
    apply();
    scrollTo(x, y, point);
  }

  /**
   * @param {number} x
   * @param {number} y
   * @returns {Spot}
   */
  function onScreen(x, y) {
    const { left, top } = svg.getBoundingClientRect();
    return { x: left + x * scale, y: top + y * scale };
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {Spot} spot
   */
  function scrollTo(x, y, spot) {
    const seen = onScreen(x, y);
    frame.scrollLeft += seen.x - spot.x;
    frame.scrollTop += seen.y - spot.y;
  }

  /** @param {WheelEvent} event */
  function wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.002)), { x: event.clientX, y: event.clientY });
  }

  /** @type {{ x: number, y: number, left: number, top: number, moved: boolean } | null} */
  let grip = null;

  /** @param {PointerEvent} event */
  function press(event) {
    // Fingers pan by scrolling already.
    if (event.button !== 0 || event.pointerType === "touch") return;
    grip = { x: event.clientX, y: event.clientY, left: frame.scrollLeft, top: frame.scrollTop, moved: false };
  }

  /** @param {PointerEvent} event */
  function move(event) {
    if (!grip) return;
    const [dx, dy] = [event.clientX - grip.x, event.clientY - grip.y];
    if (!grip.moved && Math.hypot(dx, dy) < STILL) return;
    grip.moved = true;
    frame.classList.add("panning");
    frame.scrollLeft = grip.left - dx;
    frame.scrollTop = grip.top - dy;
  }

  function release() {
    frame.classList.remove("panning");
    // The click that ends a drag comes after this and is swallowed; then the grip is gone.
    if (grip?.moved) setTimeout(() => (grip = null));
    else grip = null;
  }

  /** @param {MouseEvent} event */
  function swallow(event) {
    if (grip?.moved) event.stopPropagation();
  }

  const watcher = new ResizeObserver(() => {
    if (fitted) fit();
  });
  watcher.observe(frame);
  frame.addEventListener("wheel", wheel, { passive: false });
  frame.addEventListener("pointerdown", press);
  frame.addEventListener("click", swallow, true);
  addEventListener("pointermove", move);
  addEventListener("pointerup", release);
  addEventListener("pointercancel", release);

  return {
    resize(next) {
      size = next;
      if (fitted) fit();
      else apply();
    },
    zoom,
    fit,
    show(box) {
      const outer = frame.getBoundingClientRect();
      const inner = svg.getBoundingClientRect();
      const left = inner.left - outer.left + frame.scrollLeft + box.x * scale;
      const top = inner.top - outer.top + frame.scrollTop + box.y * scale;
      frame.scrollLeft = into(frame.scrollLeft, frame.clientWidth, left, box.w * scale);
      // The screen may end before the frame does.
      let [first, last] = [Math.max(0, -outer.top), Math.min(frame.clientHeight, innerHeight - outer.top)];
      if (last - first < LEAST) [first, last] = [0, frame.clientHeight];
      frame.scrollTop = into(frame.scrollTop + first, last - first, top, box.h * scale) - first;
    },
    onScreen,
    scrollTo,
    destroy() {
      watcher.disconnect();
      frame.removeEventListener("wheel", wheel);
      frame.removeEventListener("pointerdown", press);
      frame.removeEventListener("click", swallow, true);
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", release);
      removeEventListener("pointercancel", release);
    },
  };
}

/**
 * Where to scroll to so that a stretch is seen, moving no more than needed.
 * @param {number} scrolled
 * @param {number} room
 * @param {number} start
 * @param {number} length
 */
function into(scrolled, room, start, length) {
  if (start - ROOM < scrolled || length + 2 * ROOM > room) return start - ROOM;
  return Math.max(scrolled, start + length + ROOM - room);
}

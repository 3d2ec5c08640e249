// @ts-check
// How the picture of a clip looks, as the person chose it: how tall it is, and from which level on it shows what sounds.
import { $ } from "./elements.js";
import { rules } from "./rules.js";

const FLOORS = [0, 10, 20, 30, 40]; // dB above what the picture has at least
const HEIGHTS = ["low", "middle", "tall"]; // the style sheet says how many pixels

export class ViewChoices {
  /**
   * @param {Pick<import("./strip.js").Strip, "canvas" | "showFrom">} strip
   * @param {Pick<import("./keep.js").Keep<any>, "choice" | "keepChoice">} keep
   */
  constructor(strip, keep) {
    const [height, floor] = [$("strip-height"), $("strip-floor")];
    const { floor: lowest } = rules.picture;
    for (const more of FLOORS) floor.append(new Option(`${lowest + more} dB`, String(lowest + more)));
    height.value = HEIGHTS.includes(keep.choice("height")) ? keep.choice("height") : "middle";
    floor.value = String(FLOORS.includes(keep.choice("floor") - lowest) ? keep.choice("floor") : lowest);
    const show = () => {
      strip.canvas.dataset.height = height.value;
      strip.showFrom(Number(floor.value));
    };
    show();
    for (const choice of [height, floor]) choice.addEventListener("change", show);
    height.addEventListener("change", () => keep.keepChoice("height", height.value));
    floor.addEventListener("change", () => keep.keepChoice("floor", Number(floor.value)));
  }
}

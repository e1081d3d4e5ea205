/** The channels of one example, each a matrix to type into. */

import { editable } from "./matrix.js";

/** @typedef {import("./matrix.js").Editable} Editable */

/**
 * @param {number} count
 * @param {number} rows
 * @param {number} columns
 * @param {() => void} onchange
 * @returns {{ list: Editable[], inputs: Record<string, Editable>, values: () => number[][][], resize: (count: number, rows: number, columns: number) => void }}
 */
export function channelEditors(count, rows, columns, onchange) {
  /** @type {Record<string, Editable>} */
  const inputs = {};
  const made = {
    /** @type {Editable[]} */
    list: [],
    inputs,
    values: () => made.list.map((editor) => editor.values()),
    /** @param {number} wanted @param {number} height @param {number} width */
    resize(wanted, height, width) {
      const old = made.values();
      made.list = Array.from({ length: wanted }, (_, channel) =>
        editable({
          label: "layers.channel",
          labelValues: { number: channel + 1 },
          values: Array.from({ length: height }, (_, r) =>
            Array.from({ length: width }, (_, c) => old[channel]?.[r]?.[c] ?? 1 + channel * height * width + r * width + c),
          ),
          onchange,
        }),
      );
      for (const name of Object.keys(inputs)) delete inputs[name];
      made.list.forEach((editor, channel) => {
        inputs[`channel${channel}`] = editor;
      });
    },
  };
  made.resize(count, rows, columns);
  return made;
}

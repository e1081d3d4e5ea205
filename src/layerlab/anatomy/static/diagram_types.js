/**
 * What the modules of the diagram share: the shapes of their data. Lengths are in pixels, y grows downward.
 *
 * @typedef {[number, number]} Point
 *
 * @typedef {object} PictureNode one box of a level
 * @property {string} id unique in its level
 * @property {string} kind input, output, port, block, layer or operation
 * @property {string} label class or operation: "Bottleneck"
 * @property {string} detail what stands beside the label: "3×3, stride 2"
 * @property {string} name last part of the path, or the operation's name
 * @property {string | null} path of the layer's record
 * @property {string[]} paths of all that it stands for
 * @property {string[]} lines of text: the name, then its place and shape, then its figures
 * @property {number} repeats 1, or how many equal ones this stands for
 * @property {string} shape what it gives, without batch: "256x56x56"
 * @property {number} parameters
 * @property {number} macs
 * @property {string} family convolution, normalization, ...: its colour
 * @property {string | null} level key of the level that it opens to
 * @property {number} x
 * @property {number} y
 * @property {number} w
 * @property {number} h
 *
 * @typedef {object} PictureEdge
 * @property {string} source id of a node of the same level
 * @property {string} target
 * @property {string} kind plain, skip or concatenation
 * @property {string} label
 * @property {Point[]} points 1 + 3n of a cubic Bezier curve; the arrow is at the end
 *
 * @typedef {object} PictureLevel
 * @property {string} key
 * @property {string} title
 * @property {number} width
 * @property {number} height
 * @property {PictureNode[]} nodes
 * @property {PictureEdge[]} edges
 *
 * @typedef {object} Picture
 * @property {string} title
 * @property {string} root key of the outermost level
 * @property {Record<string, PictureLevel>} levels
 *
 * @typedef {object} Item a node where it stands in the whole diagram
 * @property {string} place unique in the diagram: the ids of the nodes around it and its own
 * @property {Item | null} parent the opened node around it
 * @property {string} levelKey the level that it belongs to
 * @property {number} depth 0 in the outermost level
 * @property {PictureNode} node
 * @property {boolean} open
 * @property {number} x
 * @property {number} y
 * @property {number} w
 * @property {number} h
 *
 * @typedef {object} Wire an edge where it stands in the whole diagram
 * @property {string} place
 * @property {Item} source
 * @property {Item} target
 * @property {number} depth
 * @property {PictureEdge} edge
 * @property {Point[]} points
 *
 * @typedef {object} Composed
 * @property {number} width
 * @property {number} height
 * @property {Item[]} items a level's nodes in order, each opened one followed by what is inside
 * @property {Wire[]} wires
 */

export {};

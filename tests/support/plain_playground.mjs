// TensorFlow Playground once more: slow, plain, one object a node and a link, and nothing of Layerlab in it.
// The oracle of classic links, in the language whose very bits are wanted. For each line {"hash", "epochs"} of standard
// input it writes one line: the points, the losses after each epoch, the final weights, biases and dead links.

import { createInterface } from "node:readline";

const ACTIVATIONS = {
  tanh: [Math.tanh, (x) => 1 - Math.tanh(x) * Math.tanh(x)],
  relu: [(x) => Math.max(0, x), (x) => (x <= 0 ? 0 : 1)],
  sigmoid: [logistic, (x) => logistic(x) * (1 - logistic(x))],
  linear: [(x) => x, () => 1],
};
const PENALTIES = { none: () => 0, L1: Math.sign, L2: (weight) => weight };
const FEATURES = {
  x: (x) => x,
  y: (_, y) => y,
  xSquared: (x) => x * x,
  ySquared: (_, y) => y * y,
  xTimesY: (x, y) => x * y,
  sinX: (x) => Math.sin(x),
  sinY: (_, y) => Math.sin(y),
  cosX: (x) => Math.cos(x),
  cosY: (_, y) => Math.cos(y),
};
const BUMPS = [[-4, 2.5, 1], [0, 2.5, -1], [4, 2.5, 1], [-4, -2.5, -1], [0, -2.5, 1], [4, -2.5, -1]];

function logistic(x) {
  return 1 / (1 + Math.exp(-x));
}

/** The value at t between a and b, as a linear scale of the page rounds it. */
function between(a, b, t) {
  return a * (1 - t) + b * t;
}

/** Not ** 2, whose last bit differs between the tiers of the engine. */
function square(x) {
  return x * x;
}

function distance(dx, dy) {
  return Math.sqrt(dx * dx + dy * dy);
}

/** ARC4's bytes, keyed as seedrandom mixes a text, the first 256 thrown away. */
function* bytes(seed) {
  const key = [];
  let smear = 0;
  for (let at = 0; at < seed.length; at++) {
    smear ^= (key[at & 255] ?? 0) * 19;
    key[at & 255] = (smear + seed.charCodeAt(at)) & 255;
  }
  if (key.length === 0) key.push(0);
  const box = Array.from({ length: 256 }, (_, i) => i);
  for (let i = 0, j = 0; i < 256; i++) {
    j = (j + box[i] + key[i % key.length]) & 255;
    [box[i], box[j]] = [box[j], box[i]];
  }
  for (let passed = 1, i = 0, j = 0; ; passed++) {
    i = (i + 1) & 255;
    j = (j + box[i]) & 255;
    [box[i], box[j]] = [box[j], box[i]];
    if (passed > 256) yield box[(box[i] + box[j]) & 255];
  }
}

/** A function that returns the next number of [0, 1): 48 bits, widened until 53 are significant. */
function generator(seed) {
  const stream = bytes(seed);
  const byte = () => stream.next().value;
  return () => {
    let n = 0;
    let d = 2 ** 48;
    let extra = 0;
    for (let i = 0; i < 6; i++) n = n * 256 + byte();
    while (n < 2 ** 52) {
      n = (n + extra) * 256;
      d *= 256;
      extra = byte();
    }
    while (n >= 2 ** 53) {
      n /= 2;
      d /= 2;
      extra = Math.floor(extra / 2);
    }
    return (n + extra) / d;
  };
}

class Data {
  constructor(random, z) {
    this.random = random;
    this.z = z;
  }

  uniform(a, b) {
    return this.random() * (b - a) + a;
  }

  /** A normal number by the polar method, whose second of the pair is lost. */
  normal(mean, variance) {
    for (;;) {
      const v = 2 * this.random() - 1;
      const u = 2 * this.random() - 1;
      const s = v * v + u * u;
      if (s <= 1) return mean + Math.sqrt(variance) * (Math.sqrt((-2 * Math.log(s)) / s) * v);
    }
  }

  *circle() {
    for (const [low, high] of [[0, 2.5], [3.5, 5]]) {
      for (let i = 0; i < 250; i++) {
        const r = this.uniform(low, high);
        const angle = this.uniform(0, 2 * Math.PI);
        const [x, y] = [r * Math.sin(angle), r * Math.cos(angle)];
        const nx = this.uniform(-5, 5) * this.z;
        const ny = this.uniform(-5, 5) * this.z;
        yield [x, y, distance(x + nx, y + ny) < 2.5 ? 1 : -1];
      }
    }
  }

  *xor() {
    for (let i = 0; i < 500; i++) {
      let x = this.uniform(-5, 5);
      x += x > 0 ? 0.3 : -0.3;
      let y = this.uniform(-5, 5);
      y += y > 0 ? 0.3 : -0.3;
      const nx = this.uniform(-5, 5) * this.z;
      const ny = this.uniform(-5, 5) * this.z;
      yield [x, y, (x + nx) * (y + ny) >= 0 ? 1 : -1];
    }
  }

  *gauss() {
    const variance = between(0.5, 4, this.z / 0.5);
    for (const [centre, label] of [[2, 1], [-2, -1]]) {
      for (let i = 0; i < 250; i++) {
        const x = this.normal(centre, variance);
        yield [x, this.normal(centre, variance), label];
      }
    }
  }

  *spiral() {
    for (const [turned, label] of [[0, 1], [Math.PI, -1]]) {
      for (let i = 0; i < 250; i++) {
        const r = (i / 250) * 5;
        const t = ((1.75 * i) / 250) * 2 * Math.PI + turned;
        const x = r * Math.sin(t) + this.uniform(-1, 1) * this.z;
        yield [x, r * Math.cos(t) + this.uniform(-1, 1) * this.z, label];
      }
    }
  }

  *surface(height) {
    for (let i = 0; i < 1200; i++) {
      const x = this.uniform(-6, 6);
      const y = this.uniform(-6, 6);
      const nx = this.uniform(-6, 6) * this.z;
      const ny = this.uniform(-6, 6) * this.z;
      yield [x, y, height(x + nx, y + ny)];
    }
  }
}

function plane(x, y) {
  return between(-1, 1, (x + y + 10) / 20);
}

function bumps(x, y) {
  let label = 0;
  for (const [cx, cy, sign] of BUMPS) {
    const height = sign * between(1, 0, Math.max(0, Math.min(1, distance(x - cx, y - cy) / 2)));
    if (Math.abs(height) > Math.abs(label)) label = height;
  }
  return label;
}

class Link {
  constructor(source, destination, weight) {
    Object.assign(this, { source, destination, weight, gradient: 0, count: 0, dead: false });
  }

  update(rate, penalty, penaltyRate) {
    if (this.dead || this.count === 0) return;
    const slope = PENALTIES[penalty](this.weight);
    const stepped = this.weight - (rate / this.count) * this.gradient;
    const shrunk = stepped - rate * penaltyRate * slope;
    this.dead = penalty === "L1" && stepped * shrunk < 0;
    this.weight = this.dead ? 0 : shrunk;
    this.gradient = 0;
    this.count = 0;
  }
}

class Node {
  constructor(activation, bias) {
    [this.function, this.derivative] = ACTIVATIONS[activation];
    Object.assign(this, { bias, linksIn: [], linksOut: [], gradient: 0, count: 0 });
  }

  forward() {
    this.total = this.bias;
    for (const link of this.linksIn) this.total += link.weight * link.source.output;
    this.output = this.function(this.total);
  }

  backward() {
    if (this.linksOut.length > 0) {
      this.outputError = 0;
      for (const link of this.linksOut) this.outputError += link.weight * link.destination.inputError;
    }
    this.inputError = this.outputError * this.derivative(this.total);
    this.gradient += this.inputError;
    this.count++;
    for (const link of this.linksIn) {
      if (link.dead) continue;
      link.gradient += this.inputError * link.source.output;
      link.count++;
    }
  }

  update(rate, penalty, penaltyRate) {
    if (this.count > 0) {
      this.bias -= (rate * this.gradient) / this.count;
      this.gradient = 0;
      this.count = 0;
    }
    for (const link of this.linksIn) link.update(rate, penalty, penaltyRate);
  }
}

class Playground {
  constructor(hash) {
    this.given = {};
    for (const pair of hash.split("&")) {
      const [name, value] = pair.split("=");
      this.given[name] = value;
    }
    this.regression = this.word("problem", ["classification", "regression"]) === "regression";
    this.rate = this.number("learningRate", 0.03);
    this.penalty = this.word("regularization", Object.keys(PENALTIES));
    this.penaltyRate = this.number("regularizationRate", 0);
    this.batch = this.number("batchSize", 10);
    this.features = Object.keys(FEATURES).filter((name) => this.isOn(name, name === "x" || name === "y"));
    this.random = generator(this.has("seed") ? this.given.seed : "0.5");
    const points = this.points();
    for (let counter = points.length; counter > 0; ) {
      const k = Math.floor(this.random() * counter);
      counter--;
      [points[counter], points[k]] = [points[k], points[counter]];
    }
    const split = Math.floor((points.length * this.number("percTrainData", 50)) / 100);
    this.train = points.slice(0, split);
    this.test = points.slice(split);
    this.build();
  }

  has(name) {
    return this.given[name] !== undefined && this.given[name].trim() !== "";
  }

  number(name, otherwise) {
    return this.has(name) ? Number(this.given[name]) : otherwise;
  }

  /** A key's word, or the first that is known for one that is not. */
  word(name, known) {
    return known.includes(this.given[name]) ? this.given[name] : known[0];
  }

  isOn(name, otherwise = false) {
    return this.has(name) ? this.given[name] !== "false" : otherwise;
  }

  points() {
    const noise = this.number("noise", 0);
    const data = new Data(this.random, (noise > 80 ? 50 : Math.max(0, noise)) / 100);
    if (!this.regression) return [...data[this.word("dataset", ["circle", "xor", "gauss", "spiral"])]()];
    return [...data.surface(this.word("regDataset", ["reg-plane", "reg-gauss"]) === "reg-plane" ? plane : bumps)];
  }

  build() {
    const zero = this.isOn("initZero");
    const bias = zero ? 0 : 0.1;
    const shape = this.given.networkShape ?? "4,2";
    const hidden = this.word("activation", Object.keys(ACTIVATIONS));
    const layer = (units, activation) => Array.from({ length: units }, () => new Node(activation, bias));
    this.layers = [layer(this.features.length, "linear")];
    for (const units of shape.trim() === "" ? [] : shape.split(",")) this.layers.push(layer(Number(units), hidden));
    this.layers.push(layer(1, this.regression ? "linear" : "tanh"));
    for (let at = 1; at < this.layers.length; at++) {
      for (const node of this.layers[at]) {
        for (const source of this.layers[at - 1]) {
          const weight = this.random() - 0.5;
          const link = new Link(source, node, zero ? 0 : weight);
          node.linksIn.push(link);
          source.linksOut.push(link);
        }
      }
    }
  }

  output([x, y]) {
    this.features.forEach((name, i) => {
      this.layers[0][i].output = FEATURES[name](x, y);
    });
    for (const node of this.layers.slice(1).flat()) node.forward();
    return this.layers.at(-1)[0].output;
  }

  /** Pass the training points once; what a batch lacks waits for the next epoch. */
  epoch() {
    this.train.forEach((point, at) => {
      this.layers.at(-1)[0].outputError = this.output(point) - point[2];
      for (const layer of this.layers.slice(1).reverse()) for (const node of layer) node.backward();
      if ((at + 1) % this.batch !== 0) return;
      for (const node of this.layers.slice(1).flat()) node.update(this.rate, this.penalty, this.penaltyRate);
    });
  }

  losses() {
    return [this.train, this.test].map((points) => {
      let sum = 0;
      for (const point of points) sum += 0.5 * square(this.output(point) - point[2]);
      return sum / points.length;
    });
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { hash, epochs } = JSON.parse(line);
  const playground = new Playground(hash);
  const losses = [playground.losses()];
  for (let epoch = 0; epoch < epochs; epoch++) {
    playground.epoch();
    losses.push(playground.losses());
  }
  const layers = playground.layers.slice(1);
  const answer = {
    train: playground.train,
    test: playground.test,
    losses,
    weights: layers.map((layer) => layer.map((node) => node.linksIn.map((link) => link.weight))),
    biases: layers.map((layer) => layer.map((node) => node.bias)),
    dead: layers.flat().flatMap((node) => node.linksIn).filter((link) => link.dead).length,
  };
  // JSON has no numbers beyond all bounds
  const text = JSON.stringify(answer, (_, value) => (Number.isFinite(value) || typeof value !== "number" ? value : `${value}`));
  process.stdout.write(`${text}\n`);
}

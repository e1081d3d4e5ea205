// The peer of the playground's benchmarks: a network of one object a unit and a link, trained point by point.
//
// Reads JSON from standard input: {networks: [{layers, activation, output, rate, batch, penalty, penaltyRate, epochs,
// train, test}]}, where a layer is {weights: [unit][source], biases: [unit]} and a point [inputs, label]. Trains each
// network after the other and writes JSON: {seconds, losses: [network][epoch][train, test]}; only training is timed.
import { readFileSync } from "node:fs";

const ACTIVATIONS = {
  tanh: { of: Math.tanh, slope: (x, y) => 1 - y * y },
  sigmoid: { of: (x) => 1 / (1 + Math.exp(-x)), slope: (x, y) => y * (1 - y) },
  relu: { of: (x) => Math.max(0, x), slope: (x) => (x <= 0 ? 0 : 1) },
  linear: { of: (x) => x, slope: () => 1 },
};

class Link {
  constructor(source, target, weight) {
    this.source = source;
    this.target = target;
    this.weight = weight;
    this.gradient = 0;
    this.dead = false;
  }
}

class Unit {
  constructor(bias, activation) {
    this.bias = bias;
    this.activation = activation;
    this.inputs = [];
    this.outputs = [];
    this.sum = 0;
    this.output = 0;
    this.outputDelta = 0;
    this.delta = 0;
    this.gradient = 0;
  }

  forward() {
    this.sum = this.bias;
    for (const link of this.inputs) this.sum += link.weight * link.source.output;
    this.output = this.activation.of(this.sum);
  }

  backward() {
    this.delta = this.outputDelta * this.activation.slope(this.sum, this.output);
    this.gradient += this.delta;
    for (const link of this.inputs) if (!link.dead) link.gradient += this.delta * link.source.output;
  }
}

class Network {
  constructor(given) {
    this.given = given;
    this.layers = [given.train[0][0].map(() => new Unit(0, ACTIVATIONS.linear))];
    given.layers.forEach(({ weights, biases }, index) => {
      const name = index === given.layers.length - 1 ? given.output : given.activation;
      const before = this.layers[index];
      this.layers.push(
        biases.map((bias, unit) => {
          const target = new Unit(bias, ACTIVATIONS[name]);
          before.forEach((source, place) => {
            const link = new Link(source, target, weights[unit][place]);
            source.outputs.push(link);
            target.inputs.push(link);
          });
          return target;
        }),
      );
    });
    this.waiting = 0;
  }

  forward(inputs) {
    const first = this.layers[0];
    for (let i = 0; i < inputs.length; i++) first[i].output = inputs[i];
    for (let l = 1; l < this.layers.length; l++) for (const unit of this.layers[l]) unit.forward();
    return this.layers[this.layers.length - 1][0].output;
  }

  backward(error) {
    const last = this.layers.length - 1;
    this.layers[last][0].outputDelta = error;
    for (let l = last; l >= 1; l--) {
      for (const unit of this.layers[l]) unit.backward();
      if (l === 1) continue;
      for (const unit of this.layers[l - 1]) {
        unit.outputDelta = 0;
        for (const link of unit.outputs) unit.outputDelta += link.weight * link.target.delta;
      }
    }
    this.waiting += 1;
  }

  update() {
    const { rate, penalty, penaltyRate } = this.given;
    const step = rate / this.waiting;
    for (let l = 1; l < this.layers.length; l++) {
      for (const unit of this.layers[l]) {
        unit.bias -= (rate * unit.gradient) / this.waiting;
        unit.gradient = 0;
        for (const link of unit.inputs) {
          if (link.dead) continue;
          const before = link.weight;
          link.weight -= step * link.gradient;
          link.gradient = 0;
          if (penalty === "L2") link.weight -= rate * penaltyRate * before;
          if (penalty === "L1") {
            const shrunk = link.weight - rate * penaltyRate * Math.sign(before);
            link.dead = link.weight * shrunk < 0;
            link.weight = link.dead ? 0 : shrunk;
          }
        }
      }
    }
    this.waiting = 0;
  }

  loss(points) {
    let total = 0;
    for (const [inputs, label] of points) {
      const error = this.forward(inputs) - label;
      total += 0.5 * error * error;
    }
    return total / points.length;
  }

  train() {
    const { train, test, batch, epochs } = this.given;
    const losses = [];
    for (let epoch = 0; epoch < epochs; epoch++) {
      for (let p = 0; p < train.length; p++) {
        const [inputs, label] = train[p];
        this.backward(this.forward(inputs) - label);
        if ((p + 1) % batch === 0) this.update();
      }
      losses.push([this.loss(train), this.loss(test)]);
    }
    return losses;
  }
}

const { networks, repeats } = JSON.parse(readFileSync(0, "utf8"));
for (let warm = 0; warm < 5; warm++) new Network(networks[0]).train();
let losses = [];
const seconds = [];
for (let repeat = 0; repeat < (repeats ?? 1); repeat++) {
  const built = networks.map((given) => new Network(given));
  const start = performance.now();
  losses = built.map((network) => network.train());
  seconds.push((performance.now() - start) / 1000);
}
process.stdout.write(JSON.stringify({ seconds, losses }));

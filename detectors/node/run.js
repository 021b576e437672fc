// Runs a graph model by TensorFlow.js on its plain JavaScript backend:
//
//   node run.js MODEL_JSON INPUT SHAPE OUTPUT
//
// INPUT holds float32 numbers, SHAPE is JSON, OUTPUT becomes JSON: the numbers of
// each output by its name.
'use strict';
const fs = require('fs');
const path = require('path');
const tf = require('@tensorflow/tfjs');

function files(file) {
  return {
    load: async () => {
      const model = JSON.parse(fs.readFileSync(file));
      const specs = [];
      const buffers = [];
      for (const group of model.weightsManifest) {
        specs.push(...group.weights);
        for (const name of group.paths) buffers.push(fs.readFileSync(path.join(path.dirname(file), name)));
      }
      const data = new Uint8Array(Buffer.concat(buffers));
      return {
        modelTopology: model.modelTopology, weightSpecs: specs, weightData: data.buffer, format: model.format,
        signature: model.signature, userDefinedMetadata: model.userDefinedMetadata,
      };
    },
  };
}

async function main() {
  const [, , file, input, shape, output] = process.argv;
  await tf.setBackend('cpu');
  const model = await tf.loadGraphModel(files(file));
  const data = new Uint8Array(fs.readFileSync(input));
  let x = tf.tensor(new Float32Array(data.buffer), JSON.parse(shape));
  if (model.inputs[0].dtype === 'int32') x = x.toInt();
  const names = model.outputs.map((o) => o.name);
  const results = [].concat(model.execute({ [model.inputs[0].name]: x }, names));
  const all = {};
  for (let i = 0; i < names.length; i++) all[names[i]] = Array.from(await results[i].data());
  fs.writeFileSync(output, JSON.stringify(all));
}

main();

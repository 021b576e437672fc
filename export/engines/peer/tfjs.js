// Runs a model that tensorflowjs_converter wrote, on TensorFlow.js' plain
// JavaScript backend: node tfjs.js FOLDER CALL.json SECONDS. CALL.json has the
// inputs as {name: {shape, values}}; prints the outputs likewise, and the median
// time of a call in milliseconds, as JSON.
'use strict';
const fs = require('fs');
const path = require('path');
const tf = require('@tensorflow/tfjs-core');
require('@tensorflow/tfjs-backend-cpu');
const {loadGraphModel} = require('@tensorflow/tfjs-converter');

// The converter calls some inputs and outputs by their tensors:
// "keypoints/image:0".
const plain = key => key.replace(/^.*\//, '').replace(/:0$/, '');

async function main([folder, call, seconds]) {
  const about = JSON.parse(fs.readFileSync(path.join(folder, 'model.json'), 'utf8'));
  const shards = about.weightsManifest.flatMap(group => group.paths).map(p => fs.readFileSync(path.join(folder, p)));
  const weights = Uint8Array.from(Buffer.concat(shards)).buffer;
  const model = await loadGraphModel({load: async () => ({
    modelTopology: about.modelTopology,
    weightSpecs: about.weightsManifest.flatMap(group => group.weights),
    weightData: weights,
    signature: about.signature,
    format: about.format,
  })});
  const inputs = {};
  for (const [name, {shape, values}] of Object.entries(JSON.parse(fs.readFileSync(call, 'utf8')))) {
    const key = Object.keys(about.signature.inputs).find(k => plain(k) === name);
    inputs[about.signature.inputs[key].name] = tf.tensor(values, shape, 'float32');
  }
  const outputs = Object.entries(about.signature.outputs);
  const run = async () => {
    const got = await model.executeAsync(inputs, outputs.map(([, spec]) => spec.name));
    const list = Array.isArray(got) ? got : [got];
    const values = await Promise.all(list.map(t => t.data()));
    const result = Object.fromEntries(outputs.map(([key], i) => [plain(key), {shape: list[i].shape, values: Array.from(values[i])}]));
    list.forEach(t => t.dispose());
    return result;
  };
  console.warn = () => {}; // that another backend is quicker, that executeAsync was not needed
  const result = await run();
  const times = [];
  const end = performance.now() + 1000 * seconds;
  while (times.length === 0 || (performance.now() < end && times.length < 50)) {
    const begun = performance.now();
    await run();
    times.push(performance.now() - begun);
  }
  times.sort((a, b) => a - b);
  console.log(JSON.stringify({outputs: result, ms: times[Math.floor(times.length / 2)], version: tf.version_core}));
}

main(process.argv.slice(2)).catch(err => {
  console.error(err.stack);
  process.exit(1);
});

// Sends different leads at a fixed rate with autocannon and prints its result. `npx --package autocannon` puts the
// package's .bin folder first on the PATH. The --idReplacement option of its command line is not used: it announces a
// longer body than it sends.
const path = require('path')

const bin = process.env.PATH.split(path.delimiter)[0]
const autocannon = require(path.join(bin, '..', 'autocannon'))
const { url, key, rate, seconds, connections } = JSON.parse(process.argv[2])
let number = 0

function describeLead () {
  number += 1
  return JSON.stringify({
    email: `cross-check-${number}@example.com`,
    zip: '30312',
    vertical: 'roofing',
    attributes: { number: -number }
  })
}

autocannon({
  url,
  connections,
  overallRate: rate,
  duration: seconds,
  requests: [
    {
      method: 'POST',
      headers: { authorization: `Api-Key ${key}`, 'content-type': 'application/json' },
      setupRequest: (request) => ({ ...request, body: describeLead() })
    }
  ]
}).then((result) => console.log(JSON.stringify(result)))

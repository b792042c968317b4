// Verifies a message with the package standardwebhooks. Reads {secret, headers, body} in JSON from its input and prints the
// verified message. Exits with 1 and prints the reason if the message is refused.
const { readFileSync } = require('node:fs')
const { Webhook } = require('standardwebhooks')

const { secret, headers, body } = JSON.parse(readFileSync(0, 'utf8'))
try {
  console.log(JSON.stringify(new Webhook(secret).verify(body, headers)))
} catch (error) {
  console.log(error.message)
  process.exitCode = 1
}

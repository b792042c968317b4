/* In place of Stripe.js, for the demo and for tests without internet. A card number goes from here to the provider. */
(() => {
  "use strict";
  const origin = new URL(document.currentScript.src).origin;

  async function post(path, fields) {
    const answer = await fetch(`${origin}/v1/${path}`, { method: "POST", body: new URLSearchParams(fields) });
    const facts = await answer.json();
    return answer.ok ? { facts } : { error: facts.error };
  }

  const idOf = (secret) => secret.split("_secret_")[0];

  window.Stripe = () => ({
    elements: () => ({
      create: () => {
        const input = document.createElement("input");
        input.setAttribute("aria-label", "Card number");
        input.setAttribute("autocomplete", "off");
        input.setAttribute("inputmode", "numeric");
        return { input, mount: (place) => document.querySelector(place).append(input) };
      },
    }),
    confirmCardSetup: async (secret, { payment_method: { card } }) => {
      const number = card.input.value;
      const { facts, error } = await post(`setup_intents/${idOf(secret)}/confirm`, { client_secret: secret, number });
      return error ? { error } : { setupIntent: facts };
    },
    retrievePaymentIntent: async (secret) => {
      const facts = await (await fetch(`${origin}/v1/payment_intents/${idOf(secret)}`)).json();
      return facts.error ? { error: facts.error } : { paymentIntent: facts };
    },
    confirmCardPayment: async (secret, { payment_method }) => {
      const { facts, error } = await post(`payment_intents/${idOf(secret)}/confirm`, { client_secret: secret, payment_method });
      return error ? { error } : { paymentIntent: facts };
    },
    handleNextAction: async ({ clientSecret }) => {
      const { facts, error } = await post(`payment_intents/${idOf(clientSecret)}/confirm`, { client_secret: clientSecret });
      return error ? { error } : { paymentIntent: facts };
    },
  });
})();

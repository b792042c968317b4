/* Gives a card, or a confirmation, from this page to the card provider. Needs Stripe.js. The number never comes here. */
(() => {
  "use strict";
  const place = document.querySelector("[data-stripe]");
  const button = document.querySelector("[data-stripe-go]");
  const problem = document.querySelector("[data-stripe-problem]");
  const { publishableKey, clientSecret, paymentMethod, stripe: action } = place.dataset;

  function show(text) {
    problem.textContent = text;
    problem.hidden = !text;
    button.disabled = false;
  }

  if (!window.Stripe) {
    show("The card provider's script could not be loaded. Allow it in your browser, and open this page again.");
    button.disabled = true;
    return;
  }
  const stripe = window.Stripe(publishableKey);

  function addCard() {
    const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
    const color = isDark ? "#e7edf1" : "#1b2329";
    const card = stripe.elements().create("card", { style: { base: { color, fontSize: "16px" } } });
    card.mount("#card-field");
    return () => stripe.confirmCardSetup(clientSecret, { payment_method: { card } });
  }

  /* A bank that asks about an automatic recharge ends its try: the card is given again, and the bank asks here. */
  async function confirm() {
    const { paymentIntent, error } = await stripe.retrievePaymentIntent(clientSecret);
    if (error) return { error };
    if (paymentIntent.status === "succeeded" || paymentIntent.status === "processing") return {};
    if (paymentIntent.status === "requires_action") return stripe.handleNextAction({ clientSecret });
    return stripe.confirmCardPayment(clientSecret, { payment_method: paymentMethod });
  }

  /* If the provider says nothing itself. */
  const failed =
    action === "card"
      ? "The card was not added. Check what you typed and try again, or use another card."
      : "The payment was not confirmed, and nothing was charged. Try again, or ask your bank.";
  const go = action === "card" ? addCard() : confirm;
  button.addEventListener("click", async () => {
    show("");
    button.disabled = true;
    const { error } = await go();
    if (error) show(error.message || failed);
    else document.querySelector("[data-stripe-done]").submit();
  });
})();

/** Many small questions asked at one time become one: what each is answered by is found in the common answer. */

/** Asks `load` once for all questions of one turn of the event loop; each gets the whole answer. */
export function coalesce<Question, Answer>(
  load: (questions: readonly Question[]) => Promise<Answer>,
): (question: Question) => Promise<Answer> {
  let waiting: { readonly questions: Question[]; readonly answer: Promise<Answer> } | undefined;
  return (question) => {
    if (!waiting) {
      const questions: Question[] = [];
      const answer = new Promise<void>((resolve) => {
        setImmediate(resolve);
      }).then(() => {
        waiting = undefined;
        return load(questions);
      });
      waiting = { questions, answer };
    }
    waiting.questions.push(question);
    return waiting.answer;
  };
}

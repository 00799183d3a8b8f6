/**
 * Batches questions asked in one event-loop turn (or within a given time) into a single load; each caller gets the combined
 * result.
 */

/** From its first question on, a batch takes more of them until `whenToLoad` resolves. */
export function coalesce<Question, Result>(
  load: (questions: readonly Question[]) => Promise<Result>,
  whenToLoad: () => Promise<unknown> = nextTurn,
): (question: Question) => Promise<Result> {
  let open: { readonly questions: Question[]; readonly result: Promise<Result> } | undefined;
  const loadInTime = async (questions: readonly Question[]) => {
    try {
      await whenToLoad();
    } finally {
      // A question asked from here on needs a load that begins later.
      open = undefined;
    }
    return load(questions);
  };
  return (question) => {
    if (!open) {
      const questions: Question[] = [];
      open = { questions, result: loadInTime(questions) };
    }
    open.questions.push(question);
    return open.result;
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

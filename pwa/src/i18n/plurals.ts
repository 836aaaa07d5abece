/** Which of a message's forms goes with a number: 'one | few | many', in Russian. */
export function russianForm(count: number, forms: number): number {
  const ten = count % 10
  const hundred = count % 100
  if (ten === 1 && hundred !== 11) return 0
  const few = ten >= 2 && ten <= 4 && (hundred < 12 || hundred > 14)
  return few ? 1 : Math.min(2, forms - 1)
}

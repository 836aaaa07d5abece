import { expect, it } from 'vitest'
import { show } from '../../tests/support/mount'
import type { Language } from '../i18n'
import { type Dates, useDates } from './dates'

function datesIn(language: Language): Dates {
  let dates!: Dates
  const setup = () => {
    dates = useDates()
    return () => null
  }
  show({ setup }, {}, language)
  return dates
}

it('say no more of a day than is needed to know which', () => {
  const now = new Date(2026, 10, 23, 12).getTime()
  const then = [new Date(2026, 10, 23, 9, 5), new Date(2026, 10, 20, 9), new Date(2024, 0, 2)]
  const brief = (language: Language) => then.map((one) => datesIn(language).brief(one.getTime(), now))
  expect(brief('en')).toEqual([expect.stringMatching(/^9:05\sAM$/), 'Nov 20', 'Jan 2, 2024'])
  expect(brief('ru')).toEqual(['09:05', '20 нояб.', '2 янв. 2024 г.'])
})

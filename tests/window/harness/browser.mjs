/** Stands in for the browser of the desktop: alice signs in there and says yes. */
import { bed } from './bed.mjs'
import { Person } from './person.mjs'

await new Person(bed.oidc.alice).open(process.argv[2])

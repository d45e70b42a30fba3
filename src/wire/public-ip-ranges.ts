import { type Static, Type } from "typebox";
import { Id, Pool, Time } from "./api.ts";

export const NewPublicIpRange = Type.Object(
  {
    range: Type.String({
      minLength: 1,
      maxLength: 100,
      description:
        "FIRST-LAST, one address, or a network such as 203.0.113.0/28 or 2001:db8::/64: of that what a host can have, " +
        "so neither the network's own address nor the broadcast address",
    }),
    /** The default pool if absent. */
    pool: Type.Optional(Pool),
  },
  { additionalProperties: false },
);
export type NewPublicIpRange = Static<typeof NewPublicIpRange>;

/** Public addresses that nodes of a pool are given which have none of their own. */
export const PublicIpRange = Type.Object({
  id: Id,
  pool: Pool,
  first: Type.String(),
  last: Type.String(),
  /** How many there are in it; what cannot be written exactly is 9007199254740991. */
  size: Type.Integer(),
  /** How many of them are given to nodes, whether these are up or not. */
  used: Type.Integer(),
  createdAt: Time,
});
export type PublicIpRange = Static<typeof PublicIpRange>;

/** What happens at the four systems between two runs, done to the company; what the systems have to be told of is returned. */
import {
  addContact,
  addGoods,
  addOrder,
  addTillDay,
  type Company,
  daysBefore,
  type Order,
  type Stock,
  type TillDay,
} from './company.ts';

export interface Changes {
  /** Orders whose row is new, and those whose row and lines are others than before. */
  newOrders: Order[];
  changedOrders: Order[];
  /** Marked as deleted by the shop, lines and all. */
  markedOrder: Order;
  /** Deleted by hand: nothing is left of it. */
  deletedOrder: Order;
  changedStock: Stock[];
  deletedStock: Stock;
  newGoods: Company['goodsIn'];
  /** Files that come whole: two of a new day, and one of an old day that is sent again, put right. */
  files: TillDay[];
  /** The third shop's file of the new day: cut off on its way. Not counted in the company until it is sent again. */
  cutOff: TillDay;
}

export function change(company: Company, now: Date): Changes {
  const { random, orders, stock, products, contacts, today } = company;
  // The CRM: a page and a half of contacts are changed, two are new.
  for (const contact of contacts.slice(0, 14)) {
    contact.segment = random.pick(['private', 'business', 'club'] as const);
    contact.updatedAt = now;
  }
  for (let i = 0; i < 2; i++) addContact(company, now);

  // The webshop.
  company.leftover.isGivenUp = true;
  const [cancelled, corrected] = [orders[3]!, orders[40]!];
  cancelled.status = 'cancelled';
  corrected.status = 'paid';
  corrected.lines = [{ ...corrected.lines[0]!, quantity: 7 }];
  const newOrders = [true, true, false, false, false].map((unknown) => addOrder(company, now, unknown));
  const [markedOrder] = orders.splice(90, 1) as [Order];
  const [deletedOrder] = orders.splice(17, 1) as [Order];

  // The warehouse: two articles that are ordered are gone from all shelves but one, one row is deleted.
  const wanted = new Set(orders.filter((o) => o.status === 'paid').map((o) => o.lines[0]!.sku));
  const empty = products.filter(({ sku }) => wanted.has(sku)).slice(0, 2);
  const changedStock = stock.filter((s) => empty.some(({ sku }) => sku === s.sku));
  for (const [i, row] of changedStock.entries()) row.onHand = i % 3 === 0 ? 1 : 0;
  const [deletedStock] = stock.splice(stock.indexOf(changedStock[1]!), 1) as [Stock];
  const newGoods = [addGoods(company), addGoods(company)];

  // The tills.
  const first = company.tills[0]!;
  first.receipts[0]!.lines[0]!.sku = products[0]!.sku;
  const day = daysBefore(today, 1);
  const files = [first, addTillDay(company, 'S1', day), addTillDay(company, 'S2', day)];
  const cutOff = addTillDay(company, 'S3', day);
  company.tills.pop();
  return {
    newOrders,
    changedOrders: [cancelled, corrected],
    markedOrder,
    deletedOrder,
    changedStock: changedStock.filter((s) => s !== deletedStock),
    deletedStock,
    newGoods,
    files,
    cutOff,
  };
}

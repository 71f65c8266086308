/** Namespaces of XML itself. The prefixes `xml` and `xsi` need no declaration in a format. */
export const XML = 'http://www.w3.org/XML/1998/namespace';
export const XMLNS = 'http://www.w3.org/2000/xmlns/';
export const XSI = 'http://www.w3.org/2001/XMLSchema-instance';

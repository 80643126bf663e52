// Draws all pictures of the docs, and writes the tables of measurements. With --check, fails when one is not what comes
// out.
import './landscapes.js';
import './lossTables.js';
import './curves.js';
import './speed.js';

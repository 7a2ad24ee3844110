use super::driver::Driver;
use crate::tui::glyph::Charset;

#[test]
fn look() {
    for (w, h) in [(80, 24), (120, 40)] {
        let mut driver = Driver::new(w, h, Charset::Unicode);
        eprintln!("{}\n=======", driver.screen());
        driver.keys("2");
        eprintln!("{}\n=======", driver.screen());
        driver.keys("enter");
        eprintln!("{}\n=======", driver.screen());
        driver.keys("z z");
        eprintln!("{}\n=======", driver.screen());
        driver.keys("2 j enter");
        eprintln!("{}\n=======", driver.screen());
        driver.keys("i");
        eprintln!("{}\n=======", driver.screen());
        driver.keys("esc ?");
        eprintln!("{}\n=======", driver.screen());
        driver.keys("esc r");
        eprintln!("{}\n=======", driver.screen());
        driver.keys("esc :");
        eprintln!("{}\n=======", driver.screen());
        driver.keys("esc e");
        eprintln!("{}\n=======", driver.screen());
    }
}

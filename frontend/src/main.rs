//! Mounts the page, unless another screen is drawn at its address.

fn main() {
    if sheaf_frontend::who::elsewhere() {
        return;
    }
    sheaf_frontend::panic::watch();
    leptos::mount::mount_to_body(sheaf_frontend::app::App);
}

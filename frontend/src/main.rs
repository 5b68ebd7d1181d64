//! Mounts the page.

fn main() {
    leptos::mount::mount_to_body(sheaf_frontend::app::App);
}
